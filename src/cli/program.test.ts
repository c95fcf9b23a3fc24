/** What must hold for every command: the help, its example, exit codes, JSON, no stack trace, no colours but on a terminal. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { ErrorCode, OrderErrorCode } from '../protocol/control/messages.ts';
import { EXIT, exitCodeOf, exitMeanings } from './exit.ts';
import { buildProgram } from './program.ts';
import { run } from './run.test-kit.ts';

const nothing = join(import.meta.dirname, 'no-such-folder', 'node.json');

interface Named {
  readonly name: string;
  readonly command: Command;
}

const below = (command: Command, name: string): Named[] =>
  command.commands.flatMap((each) => {
    const full = `${name} ${each.name()}`.trim();
    return [{ name: full, command: each }, ...below(each, full)];
  });

const all = below(buildProgram({ status: 0 }), '');
/** Those that do something. */
const leaves = all.filter(({ command }) => command.commands.length === 0);

const helpOf = (command: Command): string => {
  let text = '';
  command.configureOutput({ writeOut: (part) => void (text += part) });
  command.outputHelp();
  return text;
};

const documented = (command: Command): number[] =>
  [...(helpOf(command).split('Exit status:\n')[1] ?? '').matchAll(/^ +(\d+) {2}\S/gmu)].map(([, code]) => Number(code));

/** As a shell would split it, as far as examples need it; what follows `<` or stands before `|` is not the command's. */
const wordsOf = (example: string): string[] =>
  [
    ...(example.split(' | ').at(-1) ?? '')
      .split(' < ')
      .slice(0, 1)
      .join('')
      .matchAll(/"([^"]*)"|'([^']*)'|(\S+)/gu),
  ].map(([, double, single, plain]) => double ?? single ?? plain ?? '');

describe('every command', () => {
  it('is one of the table of the issue', () => {
    const names = leaves.map(({ name }) => name);
    const wanted =
      'init,join,tracker,backup,proxy,node,register,login,logout,whoami,passwd,invite,account list,account disable,account reset,' +
      'share,search,get,unshare,ls,status,peers,pause,resume,recheck,remove,nodes,ping,inspect,config print,config check,up,simulate';
    for (const name of wanted.split(',')) assert.ok(names.includes(name), name);
  });

  it('has an example and its exit codes in its help, groups of commands too', () => {
    for (const { name, command } of all) {
      assert.match(helpOf(command), /\nExamples?:\n {2}\$ \S/u, name);
      const codes = documented(command);
      for (const code of [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.internal]) assert.ok(codes.includes(code), `${name}: ${code}`);
      for (const code of codes) assert.ok(code in exitMeanings, `${name}: ${code}`);
    }
  });

  it('has examples that it takes itself', async () => {
    for (const { name, command } of leaves) {
      const examples = [...helpOf(command).matchAll(/^ {2}\$ (.*)$/gmu)].map(([, example]) => example ?? '');
      for (const example of examples) {
        const [shoal, ...words] = wordsOf(example);
        assert.equal(shoal, 'shoal', example);
        let ran = '';
        const program = buildProgram({ status: 0 }, true);
        for (const each of below(program, '')) if (each.command.commands.length === 0) each.command.action(() => void (ran = each.name));
        await program.parseAsync(words, { from: 'user' });
        assert.equal(ran, name, example);
      }
    }
  });

  it('takes --json', () => {
    for (const { name, command } of leaves)
      assert.ok(
        command.options.some(({ long }) => long === '--json'),
        name,
      );
  });

  it('says what is wrong with its usage, as JSON where that is asked for, with status 64', async () => {
    const wrong = leaves.map(({ name }) => [...name.split(' '), '--nonsense']);
    const missing = leaves
      .filter(({ command }) => command.registeredArguments.some(({ required }) => required))
      .map(({ name }) => name.split(' '));
    for (const args of [...wrong, ...missing, ['nonsense'], ['account', 'nonsense'], ['account'], ['config'], []]) {
      const [plain, json] = [await run(args), await run([...args, '--json'])];
      assert.deepEqual([plain.status, json.status, plain.out, json.out], [EXIT.usage, EXIT.usage, '', ''], args.join(' '));
      assert.match(plain.err, /^error: |^Usage: shoal/mu);
      const { error } = JSON.parse(json.err) as { error: { code: string; message: string } };
      assert.equal(error.code, 'usage');
      assert.match(error.message, /^\w.{10,}$/u);
    }
    const { err } = await run(['serach', '--json']);
    assert.match(err, /Did you mean search\?/u);
  });

  it('ends without a stack trace and without colours where its files are missing, with a code that it documents', async () => {
    const needing = leaves.filter(({ command }) => command.options.some(({ long }) => long === '--config'));
    assert.ok(needing.length >= 25);
    for (const { name, command } of needing) {
      const words = command.registeredArguments.filter(({ required }) => required).map(() => 'package.json');
      const args = [...name.split(' '), ...words, '--config', nothing];
      const [plain, json] = [await run(args), await run([...args, '--json'])];
      assert.equal(plain.status, EXIT.config, `${name}: ${plain.err}`);
      assert.equal(json.status, EXIT.config, name);
      assert.ok(documented(command).includes(EXIT.config), name);
      assert.doesNotMatch(plain.out + plain.err, /\n +at |\p{Cc}\[/u, name);
      if (name !== 'config check') assert.equal((JSON.parse(json.err) as { error: { code: string } }).error.code, 'config-missing', name);
      else assert.equal((JSON.parse(json.out) as { valid: boolean }).valid, false);
    }
  });
});

/** Every code that a module gives a failure, as far as it stands in its text. */
const codesOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/(?:\b(?:fail|refuse|refused|stopWith)\(\s*|\bcode: )'([a-z-]+)'/gu)].map(
    ([, code]) => code ?? '',
  );

const codesIn = (...folders: readonly string[]): string[] =>
  folders.flatMap((folder) => {
    const root = fileURLToPath(new URL(`../${folder}/`, import.meta.url));
    return readdirSync(root)
      .filter((file) => file.endsWith('.ts') && !/\.test(?:-kit)?\.ts$/u.test(file))
      .flatMap((file) => codesOf(join(root, file)));
  });

describe('exit codes', () => {
  /** What the network may answer; content is only registered by `share`. */
  const network: Readonly<Record<ErrorCode, 'any' | 'space' | 'share'>> = {
    'bad-request': 'any',
    'name-invalid': 'any',
    'name-taken': 'any',
    'password-weak': 'any',
    'wrong-password': 'any',
    'password-changed': 'any',
    disabled: 'any',
    'session-expired': 'any',
    forbidden: 'any',
    'registration-closed': 'any',
    'invite-needed': 'any',
    'invite-invalid': 'any',
    'not-found': 'any',
    ambiguous: 'any',
    'torrent-wanted': 'share',
    'torrent-invalid': 'share',
    'too-large': 'space',
    'not-entered': 'any',
    busy: 'any',
    'not-primary': 'any',
    unavailable: 'any',
    degraded: 'any',
    'disk-full': 'any',
    indeterminate: 'any',
    internal: 'any',
  };
  const node = ['offline', 'not-logged-in', ...codesIn('gateways/api').filter((code) => code !== 'too-large'), 'timeout'];
  const registers = ['register', 'invite', 'share'];
  const transfers = ['share', 'get'];
  const operators = ['handover', 'force-promote'];
  /** What a tracker may answer an order. */
  const orders: Readonly<Record<OrderErrorCode, true>> = {
    'bad-request': true,
    booting: true,
    busy: true,
    degraded: true,
    disk: true,
    eligible: true,
    halted: true,
    indeterminate: true,
    internal: true,
    'is-primary': true,
    'no-majority': true,
    'no-peer': true,
    'not-primary': true,
    'primary-alive': true,
    'timed-out': true,
    unavailable: true,
  };
  const local = [
    ...operators,
    'init',
    'join',
    'inspect',
    'config print',
    'config check',
    'up',
    'simulate',
    'tracker',
    'backup',
    'proxy',
    'node',
  ];

  it('of every command that asks the node are in its help, whatever node and network answer', () => {
    const askers = leaves.filter(({ name }) => !local.includes(name));
    assert.equal(askers.length, leaves.length - local.length);
    for (const { name, command } of askers) {
      const answers = Object.entries(network)
        .filter(([, when]) => when === 'any' || (when === 'space' && registers.includes(name)) || transfers.includes(name))
        .map(([code]) => code);
      const codes = documented(command);
      for (const code of [...answers, ...node]) assert.ok(codes.includes(exitCodeOf(code)), `${name}: ${code} is ${exitCodeOf(code)}`);
    }
  });

  it('of a group are those of all of its commands', () => {
    const groups = all.filter(({ command }) => command.commands.some((each) => each.name() !== 'help'));
    assert.ok(groups.length >= 3);
    for (const { name, command } of groups)
      for (const leaf of leaves.filter((each) => each.name.startsWith(`${name} `)))
        assert.deepEqual(
          documented(leaf.command).filter((code) => !documented(command).includes(code)),
          [],
          leaf.name,
        );
  });

  it('of share and get are in their help, whatever their files and a node of their own come to', () => {
    const anything = codesIn(
      'actors/library',
      'actors/transfer',
      'domain/transfer',
      'protocol/bittorrent',
      'data',
      'system',
      'roles',
      'ports',
    );
    assert.ok(anything.includes('exists') && anything.includes('in-use') && anything.includes('torrent-invalid'));
    for (const { name, command } of leaves.filter((each) => transfers.includes(each.name))) {
      const codes = documented(command);
      for (const code of [...anything, 'missing', 'interrupted', 'disk-full'])
        assert.ok(codes.includes(exitCodeOf(code)), `${name}: ${code} is ${exitCodeOf(code)}`);
    }
  });

  it('of commands that ask no node are in their help', () => {
    const modules = {
      inspect: ['inspect'],
      config: ['config print', 'config check'],
      network: ['init', 'join'],
      simulate: ['simulate'],
      up: ['up'],
      cluster: operators,
    };
    for (const [module, names] of Object.entries(modules)) {
      const codes = leaves.filter(({ name }) => names.includes(name)).flatMap(({ command }) => documented(command));
      for (const code of codesOf(fileURLToPath(new URL(`commands/${module}.ts`, import.meta.url))))
        assert.ok(codes.includes(exitCodeOf(code)), `${module}: ${code} is ${exitCodeOf(code)}`);
    }
    const up = leaves.filter(({ name }) => name === 'up').flatMap(({ command }) => documented(command));
    for (const code of codesIn('cli/up')) assert.ok(up.includes(exitCodeOf(code)), `up: ${code} is ${exitCodeOf(code)}`);
  });

  it("of operators' commands are in their help, whatever a tracker answers", () => {
    for (const { name, command } of leaves.filter((each) => operators.includes(each.name))) {
      const codes = documented(command);
      for (const code of [...Object.keys(orders), 'config-invalid', 'config-missing'])
        assert.ok(codes.includes(exitCodeOf(code)), `${name}: ${code} is ${exitCodeOf(code)}`);
    }
  });

  it('of roles are in their help, whatever keeps a daemon from its work', () => {
    // `unavailable` is an answer to a call, not the end of a process.
    const anything = [
      ...codesIn('roles').filter((code) => code !== 'unavailable'),
      'in-use',
      'io',
      'internal',
      'config-invalid',
      'config-missing',
      'denied',
    ];
    for (const { name, command } of leaves.filter((each) => ['tracker', 'backup', 'proxy', 'node'].includes(each.name))) {
      const codes = documented(command);
      for (const code of anything) assert.ok(codes.includes(exitCodeOf(code)), `${name}: ${code} is ${exitCodeOf(code)}`);
    }
  });
});
