/** The Python Debugger's resolver work, attribute by attribute. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseEnvFile } from '../../../src/adapter/config/envFile';
import { programEnvironment } from '../../../src/adapter/config/environment';
import { findPythonSync } from '../../../src/adapter/config/interpreter';
import { resolveConfiguration } from '../../../src/adapter/config/resolve';
import type { UserError } from '../../../src/adapter/errors';
import { mergeOptions } from '../../../src/adapter/options';
import { DEFAULT_OPTIONS } from '../../../src/shared/settings';

describe('configurations', () => {
  let folder: string;
  let python: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ah-config-'));
    mkdirSync(join(folder, 'bin'));
    python = join(folder, 'bin', 'python3');
    writeFileSync(python, '#!/bin/sh\n');
    chmodSync(python, 0o755);
    writeFileSync(join(folder, 'main.py'), '');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const launch = (given: Record<string, unknown>, env: NodeJS.ProcessEnv = {}) =>
    resolveConfiguration('launch', { program: join(folder, 'main.py'), ...given }, { workspaceFolder: folder, python, env });
  const attach = (given: Record<string, unknown>) =>
    resolveConfiguration('attach', given, { workspaceFolder: folder, python }).configuration;

  describe('launch', () => {
    it('fills in what people leave out', () => {
      const { configuration } = launch({});
      assert.equal(configuration.console, 'integratedTerminal');
      assert.equal(configuration.cwd, folder);
      assert.equal(configuration.justMyCode, true);
      assert.equal(configuration.stopOnEntry, false);
      assert.equal(configuration.clientOS, process.platform === 'win32' ? 'windows' : 'unix');
      assert.deepEqual(configuration.python, [python]);
      assert.equal(configuration.redirectOutput, undefined);
    });

    it('redirects output by default only with the internal console', () => {
      assert.equal(launch({ console: 'internalConsole' }).configuration.redirectOutput, true);
      assert.deepEqual(launch({ console: 'internalConsole' }).configuration.debugOptions, ['RedirectOutput']);
      assert.equal(launch({ console: 'internalConsole', redirectOutput: false }).configuration.redirectOutput, false);
    });

    it('turns properties into the flags that debugpy reads, and never contradicts a property', () => {
      const on = { stopOnEntry: true, showReturnValue: true, django: true, jinja: true, sudo: true, subProcess: true, justMyCode: false };
      assert.deepEqual(
        new Set(launch(on).configuration.debugOptions as string[]),
        new Set(['StopOnEntry', 'ShowReturnValue', 'Django', 'Jinja', 'Sudo', 'Multiprocess', 'DebugStdLib']),
      );
      assert.deepEqual(launch({ django: false, debugOptions: ['Django', 'Own'] }).configuration.debugOptions, ['Own']);
      assert.deepEqual(launch({ program: undefined, module: 'flask' }).configuration.debugOptions, ['Jinja']);
    });

    it('leaves keys that it does not know alone, nested ones too', () => {
      const own = {
        someday: { deep: [1, { x: null }] },
        autoReload: { enable: true },
        purpose: ['debug-test'],
        consoleName: 'c',
        asyncHealth: { detail: 'full' },
      };
      const { configuration } = launch(own);
      for (const [key, value] of Object.entries(own)) assert.deepEqual(configuration[key], value);
    });

    it('is the same when resolved twice', () => {
      const once = launch({ env: { A: '1' }, console: 'internalConsole', subProcess: true }).configuration;
      const twice = resolveConfiguration('launch', once, { workspaceFolder: folder, python, env: {} }).configuration;
      assert.deepEqual(twice, once);
    });

    it('does not change what it was given', () => {
      const given = Object.freeze({
        program: join(folder, 'main.py'),
        debugOptions: Object.freeze(['Own']),
        env: Object.freeze({ A: '1' }),
      });
      resolveConfiguration('launch', given as unknown as Record<string, unknown>, { workspaceFolder: folder, python });
    });

    it('replaces pythonPath, which debugpy refuses beside python', () => {
      const { configuration } = launch({ pythonPath: python });
      assert.deepEqual(configuration.python, [python]);
      assert.equal('pythonPath' in configuration, false);
    });

    it('takes a relative program from cwd', () => {
      assert.doesNotThrow(() => launch({ program: 'main.py' }));
      assert.throws(
        () => launch({ program: 'absent.py' }),
        (error: UserError) => error.code === 'program-missing' && error.message.includes(join(folder, 'absent.py')),
      );
    });
  });

  describe('attach', () => {
    it('maps the workspace for a local host, as the Python Debugger does', () => {
      assert.deepEqual(attach({ host: 'localhost', port: 5678 }).pathMappings, [{ localRoot: folder, remoteRoot: '.' }]);
      assert.equal(attach({ connect: { host: 'example.org', port: 5678 } }).pathMappings, undefined);
    });

    it('knows localRoot and remoteRoot and the workspace variable', () => {
      assert.deepEqual(attach({ host: 'far', port: 1, localRoot: folder, remoteRoot: '/app' }).pathMappings, [
        { localRoot: folder, remoteRoot: '/app' },
      ]);
      // biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code's own variable
      const pathMappings = [{ localRoot: '${workspaceFolder}/src', remoteRoot: '/app' }];
      assert.deepEqual(attach({ connect: { port: 1 }, pathMappings }).pathMappings, [{ localRoot: `${folder}/src`, remoteRoot: '/app' }]);
    });

    it("leaves a child's configuration as its parent made it", () => {
      const child = {
        connect: { host: '127.0.0.1', port: 4 },
        subProcessId: 17,
        justMyCode: false,
        clientOS: 'unix',
        debugOptions: ['DebugStdLib'],
        name: 'Subprocess 17',
      };
      assert.deepEqual(attach(child), child);
    });

    it('turns a picked process id into a number', () => {
      assert.equal(attach({ processId: '4711' }).processId, 4711);
    });
  });

  describe('environment', () => {
    it('env wins over envFile; PATH and PYTHONPATH of both are joined and keep what the system has', () => {
      writeFileSync(join(folder, 'my.env'), 'A=file\nB=file\nPYTHONPATH=/from/file\n');
      const env = programEnvironment(
        { env: { A: 'own', PYTHONPATH: '/own' }, envFile: 'my.env' },
        folder,
        { PYTHONPATH: '/system' },
        assert.fail,
      );
      assert.equal(env.A, 'own');
      assert.equal(env.B, 'file');
      assert.equal(env.PYTHONPATH, ['/from/file', '/own', '/system'].join(delimiter));
    });

    it('output is unbuffered UTF-8 unless said otherwise', () => {
      const plain = programEnvironment({}, folder, {}, assert.fail);
      assert.deepEqual(plain, { PYTHONIOENCODING: 'UTF-8', PYTHONUNBUFFERED: '1' });
      assert.equal(programEnvironment({ env: { PYTHONUNBUFFERED: '' } }, folder, {}, assert.fail).PYTHONUNBUFFERED, '');
    });

    it('the internal console gets the whole environment, a terminal has its own', () => {
      const base = { HOME: '/home/x', SHELL: 'sh' };
      assert.equal(programEnvironment({ console: 'internalConsole' }, folder, base, assert.fail).HOME, '/home/x');
      assert.equal(programEnvironment({ console: 'integratedTerminal' }, folder, base, assert.fail).HOME, undefined);
    });

    it('gevent is told to pydevd', () => {
      assert.equal(programEnvironment({ gevent: true }, folder, {}, assert.fail).GEVENT_SUPPORT, 'True');
    });

    it('says what it can not use, and goes on', () => {
      const problems: string[] = [];
      const env = programEnvironment({ env: { N: 1, O: {}, Z: null }, envFile: 'absent.env2' }, folder, {}, (text) => problems.push(text));
      assert.equal(env.N, '1');
      assert.equal('O' in env || 'Z' in env, false);
      assert.equal(problems.length, 2);
      assert.match(problems.join(), /"env.O" must be a string/);
      assert.match(problems.join(), /absent\.env2 does not exist/);
    });

    it('a missing .env is normal', () => {
      programEnvironment({ envFile: join(folder, '.env') }, folder, {}, assert.fail);
    });
  });

  describe('.env files', () => {
    const cases: [string, Record<string, string>][] = [
      ['A=1\nB = two words \n# C=3\n\nexport D=4', { A: '1', B: 'two words', D: '4' }],
      ['A="x y"\nB=\'it\\ns\'\nC="line\\nbreak"', { A: 'x y', B: 'it\\ns', C: 'line\nbreak' }],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the file format's own references
      ['A=1\nB=${A}2\nC=${HOST}\nD=${NOPE}!\nE=\\${A}', { A: '1', B: '12', C: 'h', D: '!', E: '${A}' }],
      ['\uFEFFA=1\r\nB=2\r\n', { A: '1', B: '2' }],
      ['URL=postgres://u:p@h/db?x=1', { URL: 'postgres://u:p@h/db?x=1' }],
      ['no assignment\n=x\n1A=2\nEMPTY=', { EMPTY: '' }],
    ];
    for (const [text, expected] of cases) {
      it(JSON.stringify(text), () => assert.deepEqual(parseEnvFile(text, { HOST: 'h' }), expected));
    }
  });

  describe('interpreter', () => {
    const at = (path: string) => {
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, '#!/bin/sh\n', { mode: 0o755 });
      return path;
    };

    it('configuration → editor → .venv → PATH', () => {
      const env = { PATH: join(folder, 'bin') };
      assert.deepEqual(findPythonSync({}, { workspaceFolder: folder, env }), { command: [python], source: 'path' });
      const venv = at(join(folder, '.venv', 'bin', 'python'));
      assert.deepEqual(findPythonSync({}, { workspaceFolder: folder, env }), { command: [venv], source: 'workspace' });
      const editors = at(join(folder, 'other', 'python'));
      assert.deepEqual(findPythonSync({}, { workspaceFolder: folder, env, python: editors }), { command: [editors], source: 'editor' });
      const own = at(join(folder, 'own', 'python'));
      assert.deepEqual(findPythonSync({ python: own }, { workspaceFolder: folder, env, python: editors }), {
        command: [own],
        source: 'configuration',
      });
    });

    it('takes a list, a name on PATH, a path in the workspace; not an unresolved variable', () => {
      const env = { PATH: join(folder, 'bin') };
      assert.deepEqual(findPythonSync({ python: [python, '-X', 'dev'] }, { env }).command, [python, '-X', 'dev']);
      assert.deepEqual(findPythonSync({ python: 'python3' }, { env }).command, [python]);
      assert.deepEqual(findPythonSync({ python: 'bin/python3' }, { env, workspaceFolder: folder }).command, [python]);
      // biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code's own variable
      assert.equal(findPythonSync({ python: '${command:python.interpreterPath}' }, { env }).source, 'path');
    });

    it('refuses what is there but can not be run', () => {
      const file = join(folder, 'not-executable');
      writeFileSync(file, '');
      chmodSync(file, 0o644);
      assert.throws(
        () => findPythonSync({ python: file }, {}),
        (error: UserError) => error.code === 'no-python',
      );
    });
  });

  describe('asyncHealth block', () => {
    it('configuration over settings over defaults', () => {
      const { options, problems } = mergeOptions({ tickMs: 50, thresholds: { blockedLoopMs: 10 } }, { tickMs: 20 });
      assert.equal(options.tickMs, 20);
      assert.equal(options.thresholds.blockedLoopMs, 10);
      assert.equal(options.thresholds.lockWaitMs, DEFAULT_OPTIONS.thresholds.lockWaitMs);
      assert.deepEqual(problems, []);
    });

    it('wrong values fall back and are told', () => {
      const block = { detail: 'everything', tickMs: '5', probe: 1, thresholds: { blockedLoopMs: -1 }, unknown: 1 };
      const { options, problems } = mergeOptions('text', block);
      assert.deepEqual(options, DEFAULT_OPTIONS);
      assert.equal(problems.length, 6);
    });
  });
});
