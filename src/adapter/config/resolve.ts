/**
 * From what people write in launch.json to what debugpy wants: the work that the Python Debugger's resolver does. Keys that are not
 * known here pass untouched. Resolving twice changes nothing (children inherit their parent's resolved configuration).
 */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { UserError } from '../errors';
import { programEnvironment } from './environment';
import { type Discovery, findPythonSync } from './interpreter';

export type Configuration = Record<string, unknown>;

/** Launch/attach property → flag in `debugOptions`, which debugpy's older versions read. */
const FLAGS: [property: string, flag: string][] = [
  ['stopOnEntry', 'StopOnEntry'],
  ['showReturnValue', 'ShowReturnValue'],
  ['django', 'Django'],
  ['jinja', 'Jinja'],
  ['redirectOutput', 'RedirectOutput'],
  ['sudo', 'Sudo'],
  ['subProcess', 'Multiprocess'],
];

const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '::1']);
const WINDOWS = process.platform === 'win32';

export interface Resolved {
  configuration: Configuration;
  /** For the log. */
  problems: string[];
}

/** @throws UserError when the session can't work: no Python, no such program */
export function resolveConfiguration(request: 'launch' | 'attach', given: Configuration, discovery: Discovery): Resolved {
  const problems: string[] = [];
  const configuration = { ...given };
  if (request === 'launch') resolveLaunch(configuration, discovery, problems);
  else resolveAttach(configuration, discovery);
  configuration.justMyCode ??= true;
  configuration.clientOS ??= WINDOWS ? 'windows' : 'unix';
  addFlags(configuration, request);
  return { configuration, problems };
}

function resolveLaunch(configuration: Configuration, discovery: Discovery, problems: string[]): void {
  const { workspaceFolder } = discovery;
  const base = discovery.env ?? process.env;
  if (workspaceFolder !== undefined) {
    configuration.cwd ??= workspaceFolder;
    configuration.envFile ??= join(workspaceFolder, '.env');
  }
  if (configuration.console === 'none') configuration.console = 'internalConsole'; // the name of long ago
  configuration.console ??= 'integratedTerminal';
  configuration.stopOnEntry ??= false;
  if (configuration.redirectOutput === undefined && configuration.console === 'internalConsole') configuration.redirectOutput = true;
  checkProgram(configuration, workspaceFolder);
  configuration.python = findPythonSync(configuration, discovery, ['python', 'pythonPath']).command;
  // debugpy refuses both together.
  delete configuration.pythonPath;
  configuration.env = programEnvironment(configuration, workspaceFolder, base, (text) => problems.push(text));
  // Its variables are in `env` now; children would read it again, over changes of the program.
  delete configuration.envFile;
  if (configuration.pathMappings !== undefined) configuration.pathMappings = fixMappings(configuration.pathMappings, workspaceFolder);
}

function resolveAttach(configuration: Configuration, { workspaceFolder }: Discovery): void {
  const { connect, listen, processId, subProcessId } = configuration;
  if (typeof processId === 'string' && /^\d+$/.test(processId)) configuration.processId = Number(processId);
  if (connect === undefined && listen === undefined && processId === undefined && subProcessId === undefined) {
    if (configuration.port === undefined) {
      throw new UserError(
        'bad-configuration',
        'The attach configuration does not say what to attach to.',
        'Give "connect": {"host": …, "port": …}, "listen": {…} or "processId" in launch.json.',
      );
    }
    configuration.host ??= '127.0.0.1';
  }
  const { localRoot, remoteRoot, host } = configuration;
  const mappings = Array.isArray(configuration.pathMappings) ? [...configuration.pathMappings] : [];
  if (localRoot && remoteRoot && mappings.length === 0) mappings.push({ localRoot, remoteRoot });
  const local = typeof host === 'string' && LOCAL_HOSTS.has(host.toLowerCase());
  if (mappings.length === 0 && local && workspaceFolder) mappings.push({ localRoot: workspaceFolder, remoteRoot: '.' });
  if (mappings.length > 0) configuration.pathMappings = fixMappings(mappings, workspaceFolder);
}

/** `${workspaceFolder}` that is still there (multi-root, other editors) and, on Windows, the drive letter's case. */
function fixMappings(mappings: unknown, folder: string | undefined): unknown {
  if (!Array.isArray(mappings)) return mappings;
  return mappings.map((mapping: { localRoot?: unknown }) => {
    if (typeof mapping?.localRoot !== 'string') return mapping;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code's own variable
    let localRoot = folder === undefined ? mapping.localRoot : mapping.localRoot.replace('${workspaceFolder}', folder);
    if (WINDOWS) localRoot = localRoot.replace(/^[A-Z]:/, (drive) => drive.toLowerCase());
    return { ...mapping, localRoot };
  });
}

function addFlags(configuration: Configuration, request: 'launch' | 'attach'): void {
  const flags = new Set(Array.isArray(configuration.debugOptions) ? (configuration.debugOptions as unknown[]) : []);
  for (const [property, flag] of FLAGS) {
    if (configuration[property] === true) flags.add(flag);
    // debugpy refuses a flag together with the property set to false; the property is the newer word.
    else if (configuration[property] === false) flags.delete(flag);
  }
  if (configuration.justMyCode === false) flags.add('DebugStdLib');
  if (configuration.pyramid === true) flags.add('Jinja');
  if (configuration.jinja === undefined && isModule(configuration, 'flask', 'fastapi')) flags.add('Jinja');
  const remote = request === 'attach' && typeof configuration.host === 'string' && !LOCAL_HOSTS.has(configuration.host.toLowerCase());
  if (WINDOWS && !remote) flags.add('FixFilePathCase');
  configuration.debugOptions = [...flags];
}

function isModule(configuration: Configuration, ...names: string[]): boolean {
  return typeof configuration.module === 'string' && names.includes(configuration.module.toLowerCase());
}

function checkProgram(configuration: Configuration, folder: string | undefined): void {
  const { program, module, code } = configuration;
  const targets = [program, module, code].filter((value) => value !== undefined && value !== '');
  if (targets.length === 0) {
    throw new UserError(
      'bad-configuration',
      'The launch configuration does not say what to run.',
      'Give "program" (a file), "module" or "code" in launch.json.',
    );
  }
  if (typeof program !== 'string' || program === '') return;
  const cwd = typeof configuration.cwd === 'string' && configuration.cwd !== '' ? configuration.cwd : folder;
  const path = isAbsolute(program) ? program : join(cwd ?? process.cwd(), program);
  if (existsSync(path)) return;
  throw new UserError(
    'program-missing',
    `The program "${path}" does not exist.`,
    'Correct "program" in launch.json, or save the file first.',
  );
}
