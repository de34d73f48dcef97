/** The adapter's end of the probe link: what goes into the program, what comes out. In: DAP `evaluate` and event bodies. No DAP session logic. */
export { DEFAULT_REQUEST_TIMEOUT_MS, type Evaluate, type LinkCounters, ProbeLink, type ProgramRequestHandler, pythonLiteral } from './link';
export { bringIn, type ProbePayload, pythonFolder, readPayload } from './payload';
