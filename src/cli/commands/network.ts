/** `init` and `join`: the files of a network, and of a node in it. */
import { randomBytes } from 'node:crypto';
import { homedir, hostname } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import type { z } from 'zod';
import { parseAddress } from '../../config/address.ts';
import { CODE_LENGTH_MAX, decodeJoinCode } from '../../config/join-code.ts';
import { joinCodeOf, memberFiles, networkFiles, type NetworkPlan, proxyNameAt, voterNames } from '../../config/make.ts';
import { networkSchema, processSchemas } from '../../config/schema.ts';
import type { Registration } from '../../config/types.ts';
import { codeHash, codeOf } from '../../domain/accounts/secrets.ts';
import { describeIssue } from '../../protocol/issue.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { EXIT, give, stopWith } from '../exit.ts';
import { commandLine } from '../hints.ts';
import { printable } from '../render/format.ts';
import { userConfigFolder } from '../node-access.ts';
import { writeNewFiles } from '../new-files.ts';
import { markFreshVoters } from '../fresh-voters.ts';

interface InitOptions {
  readonly name?: string;
  readonly host: string;
  readonly trackerHost?: string;
  readonly backupHost?: string;
  readonly proxyHost: readonly string[];
  readonly trackerPort: string;
  readonly backupPort: string;
  readonly proxyPort: string;
  readonly proxies?: string;
  readonly witnesses: string;
  readonly announcePort: string;
  readonly passkeys: string;
  readonly registration: string;
  readonly node: string;
}

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');

/** A host and a port of the command line as an address. */
const place = (host: string, port: string, option: string): { host: string; port: number } => {
  const bare = host.replace(/^\[(.*)\]$/u, '$1');
  const address = parseAddress(`${bare.includes(':') ? `[${bare}]` : bare}:${port}`);
  return address === null || address.port === 0 ? stopWith('usage', `--${option}: "${host}" with port "${port}" is no address.`) : address;
};

const registrationOf = (text: string): Registration =>
  text === 'open' || text === 'invite' || text === 'closed'
    ? text
    : stopWith('usage', `--registration must be open, invite or closed, not "${text}".`);

/** Names of files in the folder of a network that a node's cannot have. */
const TAKEN = /^(?:network|tracker|backup|proxy\d*)$/u;

const PROXIES_MAX = 16;

/** Of the gate for clients of other makes; "none" for no gate. */
const announcePortOf = (text: string): number | null => {
  if (text === 'none') return null;
  const port = Number(text);
  return Number.isInteger(port) && port > 0 && port <= 65_535
    ? port
    : stopWith('usage', `--announce-port must be a port from 1 to 65535, or none, not "${text}".`);
};

/** A proxy at each host; where more are wanted than hosts are named, the last host has the others, on the next ports. */
const proxyPlaces = ({ host, proxyHost, proxyPort, proxies, announcePort }: InitOptions): NetworkPlan['proxies'] => {
  const gate = announcePortOf(announcePort);
  const hosts = proxyHost.length === 0 ? [host] : proxyHost;
  const count = proxies === undefined ? hosts.length : Number(proxies);
  if (!Number.isInteger(count) || count < hosts.length || count > PROXIES_MAX)
    return stopWith(
      'usage',
      `--proxies must be a number from ${hosts.length} (the hosts that are named) to ${PROXIES_MAX}, not "${proxies}".`,
    );
  const all = Array.from({ length: count }, (_, index) => hosts[index] ?? hosts.at(-1) ?? host);
  return all.map((each, index) => {
    const before = all.slice(0, index).filter((other) => other === each).length;
    const proxy = place(each, before === 0 ? proxyPort : String(Number(proxyPort) + before), 'proxy-host');
    return gate === null ? proxy : { ...proxy, announcePort: gate + before };
  });
};

const witnessesOf = (text: string, proxies: number): NetworkPlan['witnesses'] => {
  const witnesses = Number(text);
  if (witnesses !== 1 && witnesses !== 3) return stopWith('usage', `--witnesses must be 1 or 3, not "${text}".`);
  return witnesses <= proxies
    ? witnesses
    : stopWith(
        'usage',
        `--witnesses ${witnesses} needs as many proxies: add --proxies ${witnesses}, or name the host of each with --proxy-host.`,
      );
};

const passkeysOf = (text: string): 'required' | 'open' =>
  text === 'required' || text === 'open' ? text : stopWith('usage', `--passkeys must be required or open, not "${text}".`);

/** An option that goes into a file is held to the schema of the file. */
const fitting = (schema: z.ZodType, value: string, option: string): string => {
  const issue = schema.safeParse(value).error?.issues[0];
  return issue === undefined ? value : stopWith('usage', `--${option} ${describeIssue(issue)}, not "${value}".`);
};

const nodeName = (name: string, option: string): string => fitting(processSchemas.node.shape.name, name, option);

const checkPlaces = (...places: readonly { readonly host: string; readonly port: number }[]): void => {
  const texts = places.map(({ host, port }) => `${host}:${port}`);
  const twice = texts.find((text, at) => texts.indexOf(text) !== at);
  if (twice !== undefined)
    stopWith('usage', `Tracker, backup, proxies and their gates need an address each; two of them would be at ${twice}.`);
};

/** A name that the configuration takes, of whatever the machine is called. */
export const nodeNameOf = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/gu, '-')
    .replaceAll(/^[-_]+|[-_]+$/gu, '')
    .slice(0, 63)
    .replace(/[-_]+$/u, '') || 'node';

/** A path as it is best typed from here. */
const shortest = (path: string): string => {
  const here = relative('.', path) || '.';
  return here.startsWith('..') ? path : here;
};

const NAME_LENGTH_MAX = 64;

/** What people call a network that lies in `folder`. */
const networkNameOf = (folder: string): string => printable(basename(folder)).slice(0, NAME_LENGTH_MAX).toWellFormed() || 'shoal';

/** A network of local processes or of several machines, with fresh secrets, in `folder`. */
export const createNetwork = (folder: string, plan: NetworkPlan): { readonly adminCode: string; readonly joinCode: string } => {
  const adminCode = codeOf(randomBytes(15));
  const secrets = { networkId: hex(16), networkKey: hex(32), clusterKey: hex(32), tokenKey: hex(32), adminCodeHash: codeHash(adminCode) };
  give(writeNewFiles(folder, networkFiles(plan, secrets)));
  markFreshVoters(folder, voterNames(plan));
  return { adminCode, joinCode: joinCodeOf(plan, secrets) };
};

const init = (context: Context, [dir]: readonly [string | undefined], options: InitOptions): void => {
  const folder = resolve(dir ?? 'shoal-network');
  if (TAKEN.test(options.node)) stopWith('usage', `--node must not be "${options.node}": that is the name of another file of the network.`);
  const proxies = proxyPlaces(options);
  const plan: NetworkPlan = {
    name: options.name === undefined ? networkNameOf(folder) : fitting(networkSchema.shape.name, options.name, 'name'),
    registration: registrationOf(options.registration),
    tracker: place(options.trackerHost ?? options.host, options.trackerPort, 'tracker-host'),
    backup: place(options.backupHost ?? options.host, options.backupPort, 'backup-host'),
    proxies,
    passkeys: passkeysOf(options.passkeys),
    witnesses: witnessesOf(options.witnesses, proxies.length),
    nodes: [nodeName(options.node, 'node')],
    rate: 0,
    timing: {},
  };
  const gates = plan.proxies.flatMap(({ host, announcePort }) => (announcePort === undefined ? [] : [{ host, port: announcePort }]));
  checkPlaces(plan.tracker, plan.backup, ...plan.proxies, ...gates);
  const { adminCode, joinCode } = createNetwork(folder, plan);
  const { output } = context;
  const shown = shortest(folder);
  const { bold, cyan, dim } = output.style;
  output.value({ folder, adminCode, joinCode });
  output.line(`The network ${bold(plan.name)} is set up in ${bold(shown)}.`);
  output.line();
  output.line('Start it, each in a terminal (or service) of its own:');
  const typed = (file: string): Context => ({ ...context, configFile: join(shown, `${file}.json`) });
  for (const role of ['tracker', 'backup']) output.line(`  ${cyan(commandLine(typed(role), role))}`);
  for (const index of plan.proxies.keys()) output.line(`  ${cyan(commandLine(typed(proxyNameAt(index)), 'proxy'))}`);
  output.line(`  ${cyan(commandLine(typed(options.node), 'node'))}`);
  output.line();
  output.line(`Code for the first administrator ${dim('(works once; it is not stored, keep it)')}: ${bold(adminCode)}`);
  output.line(`  ${cyan(commandLine(typed(options.node), 'register', ['NAME'], ['--code', adminCode]))}`);
  output.line();
  output.line(`Join code for every other machine ${dim(`(a secret; also in ${join(shown, 'secrets', 'join-code')})`)}:`);
  output.line(`  ${cyan(commandLine(context, 'join', [joinCode]))}`);
  if (plan.proxies.every(({ host }) => host.startsWith('127.') || host === 'localhost')) {
    output.note(
      `These addresses are on this machine alone. For a network of several machines: ${commandLine(context, 'init', [], ['--host', 'ADDRESS'])}`,
    );
  }
};

interface JoinOptions {
  readonly dir?: string;
  readonly name?: string;
}

/** `-` stands for standard input, where no other user of the machine sees the code. */
const codeText = async (context: Context, given: string): Promise<string> => {
  if (given !== '-') return given;
  let text = '';
  for await (const chunk of context.input.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.length > CODE_LENGTH_MAX) break;
  }
  return text;
};

const joinNetwork = async (context: Context, [given]: readonly [string], options: JoinOptions): Promise<void> => {
  const code = give(decodeJoinCode(await codeText(context, given)));
  const own = options.dir === undefined;
  const folder = own ? userConfigFolder(context.env) : resolve(options.dir ?? '');
  const home = homedir();
  const name = options.name === undefined ? nodeNameOf(hostname()) : nodeName(options.name, 'name');
  const dataFolder = own ? join(context.env['XDG_DATA_HOME'] ?? join(home, '.local', 'share'), 'shoal') : 'data';
  const plan = {
    name,
    dataFolder,
    downloadFolder: own ? join(home, 'Shoal') : 'downloads',
    logFolder: own ? join(dataFolder, 'logs') : 'logs',
  };
  give(writeNewFiles(folder, memberFiles(code, plan)));
  const { output } = context;
  const config = join(folder, 'node.json');
  const typed = { ...context, configFile: own ? null : shortest(config) };
  output.value({ network: code.name, config, proxies: code.proxies });
  output.line(
    `This machine can join the network ${output.style.bold(code.name)} as ${output.style.bold(name)}; its settings are in ${config}.`,
  );
  output.line(`  ${output.style.cyan(commandLine(typed, 'node'))}`);
  for (const command of ['register', 'login']) output.line(`  ${output.style.cyan(commandLine(typed, command, ['NAME']))}`);
};

export const networkCommands = (program: Command, ending: Ending): void => {
  addCommand<[string | undefined], InitOptions>(program, ending, {
    usage: 'init [dir]',
    about: 'make a new network: its files, its secrets, the codes to join it',
    examples: [
      'shoal init my-lab --host 192.168.1.5',
      'shoal init my-lab --tracker-host 10.0.0.1 --backup-host 10.0.0.2 --proxy-host 10.0.0.3 --registration invite',
      'shoal init my-lab --host 10.0.0.1 --backup-host 10.0.0.2 --proxy-host 10.0.0.3 --proxy-host 10.0.0.4 --proxy-host 10.0.0.5 --witnesses 3',
    ],
    exits: [EXIT.cannotCreate, EXIT.io, EXIT.permission],
    setup: (command) =>
      command
        .option('--name <name>', 'what people call the network (default: the name of the folder)')
        .option('--host <host>', 'where tracker, backup and proxy are reached', '127.0.0.1')
        .option('--tracker-host <host>', 'where the tracker is reached, if elsewhere')
        .option('--backup-host <host>', 'where the backup is reached, if elsewhere')
        .option(
          '--proxy-host <host>',
          'where a proxy is reached, if elsewhere; once for each proxy',
          (host, hosts) => [...hosts, host],
          [] as string[],
        )
        .option('--tracker-port <port>', 'port of the tracker', '7401')
        .option('--backup-port <port>', 'port of the backup', '7402')
        .option('--proxy-port <port>', 'port of the proxy; further ones on the same host take the next ports', '7411')
        .option(
          '--announce-port <port>',
          'port of the proxy where other BitTorrent clients announce (HTTP and UDP), or none; further proxies on the same host take the next ports',
          '6969',
        )
        .option('--passkeys <who>', 'who may announce there: required (members, by their passkeys) or open (anybody)', 'required')
        .option('--proxies <count>', 'how many proxies, 1 to 16 (default: one, or one for each --proxy-host)')
        .option('--witnesses <count>', 'how many of them vote with tracker and backup: 1 or 3', '1')
        .option('--registration <who>', 'who may register: open, invite or closed', 'open')
        .option('--node <name>', 'name of the first node, on the machine of the proxy', 'node'),
    run: async (...given) => init(...given),
  });
  addCommand<[string], JoinOptions>(program, ending, {
    usage: 'join <code>',
    about: 'set up a node on this machine for the network of a join code (- reads it from standard input)',
    examples: ['shoal join shoal04gq… --name alice-laptop', 'shoal join - < code.txt'],
    exits: [EXIT.data, EXIT.cannotCreate, EXIT.io, EXIT.permission],
    setup: (command) =>
      command
        .option('--dir <dir>', 'put settings, data and downloads there (default: ~/.config/shoal, ~/.local/share/shoal, ~/Shoal)')
        .option('--name <name>', 'name of the node (default: the name of the machine)'),
    run: joinNetwork,
  });
};
