/** The command line: the same adapter without an editor. See args.ts for what it takes. */
import { version as VERSION } from '../../package.json';
import { type Arguments, parseArguments, USAGE, UsageError } from './args';
import { runDap } from './dap';
import { EXIT_USAGE } from './failOn';
import { read } from './read';
import { runProgram } from './run';

async function main(argv: string[]): Promise<number> {
  let args: Arguments;
  try {
    args = parseArguments(argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`async-health: ${error.message}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  switch (args.command) {
    case 'help':
      process.stdout.write(USAGE);
      return 0;
    case 'version':
      process.stdout.write(`${VERSION}\n`);
      return 0;
    case 'run':
      return runProgram(args);
    case 'dap':
      return runDap(args);
    case 'report':
    case 'replay':
      return read(args);
  }
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
    // What still runs (a debugpy that does not end) must not keep the command from ending.
    setTimeout(() => process.exit(code), 2_000).unref();
  },
  (error: unknown) => {
    const text = error instanceof UsageError ? error.message : error instanceof Error ? error.stack : String(error);
    process.stderr.write(`async-health: ${text}\n`);
    process.exit(EXIT_USAGE);
  },
);
