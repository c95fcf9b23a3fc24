/** Accounts: by their holder, and by an administrator. */
import type { Command } from 'commander';
import type { Staleness } from '../../protocol/api.ts';
import type { AccountSummary } from '../../protocol/control/messages.ts';
import { addCommand, addGroup, type Context, type Ending } from '../command.ts';
import { demandOf, type DemandOptions, keptWords, requireOption } from '../durability.ts';
import { EXIT, give, networkExits } from '../exit.ts';
import { commandLine } from '../hints.ts';
import { askNode, withNode } from '../node-access.ts';
import { currentPassword, newPassword, passwordChange, passwordOption, type PasswordOptions } from '../passwords.ts';
import { noteStaleness } from '../paging.ts';
import { formatTime, printable } from '../render/format.ts';

const ACCOUNTS_PER_PAGE = 500;

/** Ctrl-C while a password is asked for. */
const passwordExits = [...networkExits, EXIT.interrupted];

type RegisterOptions = PasswordOptions & DemandOptions & { readonly code?: string };

const register = async (context: Context, name: string, options: RegisterOptions): Promise<void> => {
  await withNode(context, async (node) => {
    const password = await newPassword(context, options);
    const made = give(await node.call('register', { name, password, code: options.code ?? null, ...demandOf(options) }));
    context.output.value(made);
    context.output.line(
      `${context.output.style.bold(printable(made.account))} is registered${made.admin ? ' as administrator' : ''}${keptWords(made)}. Sign in with: ${commandLine(context, 'login', [made.account])}`,
    );
  });
};

const login = async (context: Context, name: string, options: PasswordOptions): Promise<void> => {
  await withNode(context, async (node) => {
    const password = await currentPassword(context, options);
    const account = give(await node.call('login', { name, password }));
    context.output.value(account);
    context.output.line(`Signed in as ${context.output.style.bold(printable(account.account))}.`);
  });
};

const whoami = async (context: Context): Promise<void> => {
  const me = await askNode(context, 'whoami', {});
  context.output.value(me);
  noteStaleness(context.output, me);
  context.output.line(`${printable(me.account)}${me.admin ? ' (administrator)' : ''}, signed in until ${formatTime(me.expiresMs)}`);
};

type InviteOptions = DemandOptions & { readonly admin?: boolean };

const invite = async (context: Context, options: InviteOptions): Promise<void> => {
  const made = await askNode(context, 'invite', { admin: options.admin === true, ...demandOf(options) });
  context.output.value(made);
  context.output.line(
    `${context.output.style.bold(made.code)}  for one ${options.admin === true ? 'administrator' : 'account'}, until ${formatTime(made.expiresMs)}${keptWords(made)}`,
  );
  context.output.note(
    `On a node of the network: ${commandLine({ ...context, configFile: null }, 'register', ['NAME'], ['--code', made.code])}`,
  );
};

const passwd = async (context: Context, options: PasswordOptions & DemandOptions): Promise<void> => {
  await withNode(context, async (node) => {
    const kept = give(await node.call('passwd', { ...(await passwordChange(context, options)), ...demandOf(options) }));
    context.output.value({ changed: true, ...kept });
    context.output.line(`The password is changed${keptWords(kept)}.`);
  });
};

const listAccounts = async (context: Context): Promise<void> => {
  const accounts: AccountSummary[] = [];
  let staleness: Staleness = {};
  await withNode(context, async (node) => {
    for (;;) {
      const page = give(await node.call('accounts', { after: accounts.at(-1)?.name ?? '', limit: ACCOUNTS_PER_PAGE }));
      accounts.push(...page.accounts);
      if (page.stale) staleness = { stale: true };
      if (page.accounts.length < ACCOUNTS_PER_PAGE) return;
    }
  });
  context.output.value({ accounts, ...staleness });
  noteStaleness(context.output, staleness);
  context.output.table(
    [
      { title: 'NAME', of: ({ name }) => name, shrinksTo: 12 },
      { title: 'ROLE', of: ({ admin }) => (admin ? 'administrator' : 'member') },
      { title: 'STATE', of: ({ disabled }) => (disabled ? 'disabled' : 'active') },
      { title: 'SINCE', of: ({ createdMs }) => formatTime(createdMs) },
    ],
    accounts,
  );
};

const setDisabled = async (context: Context, name: string, disabled: boolean, options: DemandOptions): Promise<void> => {
  const kept = await askNode(context, 'account.disable', { name, disabled, ...demandOf(options) });
  context.output.value({ name, disabled, ...kept });
  const done = disabled ? 'is disabled, and its logins have ended' : 'can sign in again';
  context.output.line(`${printable(name)} ${done}${keptWords(kept)}.`);
};

const reset = async (context: Context, name: string, options: PasswordOptions & DemandOptions): Promise<void> => {
  await withNode(context, async (node) => {
    const password = await newPassword(context, options, `New password for ${printable(name)}: `);
    const kept = give(await node.call('account.reset', { name, newPassword: password, ...demandOf(options) }));
    context.output.value({ name, reset: true, ...kept });
    context.output.line(`${printable(name)} has a new password, and its logins have ended${keptWords(kept)}.`);
  });
};

const ownCommands = (program: Command, ending: Ending): void => {
  addCommand<[string], RegisterOptions>(program, ending, {
    usage: 'register <name>',
    about: 'create an account',
    examples: ['shoal register alice', 'shoal register alice --code 4Q7M-… --password-stdin < password.txt'],
    exits: [...passwordExits, EXIT.data],
    config: true,
    setup: (command) =>
      command
        .option('--code <code>', 'the code of an invitation, or of `shoal init` for the first administrator')
        .option(...passwordOption)
        .option(...requireOption),
    run: (context, [name], options) => register(context, name, options),
  });
  addCommand<[string], PasswordOptions>(program, ending, {
    usage: 'login <name>',
    about: 'sign this node in',
    examples: ['shoal login alice'],
    exits: passwordExits,
    config: true,
    setup: (command) => command.option(...passwordOption),
    run: (context, [name], options) => login(context, name, options),
  });
  addCommand(program, ending, {
    usage: 'logout',
    about: 'sign this node out',
    examples: ['shoal logout'],
    exits: networkExits,
    config: true,
    run: async (context) => {
      await askNode(context, 'logout', {});
      context.output.value({ account: null });
      context.output.line('Signed out.');
    },
  });
  addCommand(program, ending, {
    usage: 'whoami',
    about: 'say who is signed in',
    examples: ['shoal whoami'],
    exits: networkExits,
    config: true,
    run: whoami,
  });
  addCommand<[], PasswordOptions & DemandOptions>(program, ending, {
    usage: 'passwd',
    about: 'change your password',
    examples: ['shoal passwd', "printf '%s\\n' OLD NEW | shoal passwd --password-stdin"],
    exits: passwordExits,
    config: true,
    setup: (command) =>
      command.option('--password-stdin', 'read two lines from standard input: the old password, then the new one').option(...requireOption),
    run: (context, _args, options) => passwd(context, options),
  });
  addCommand<[], InviteOptions>(program, ending, {
    usage: 'invite',
    about: 'make a code with which one account can register',
    examples: ['shoal invite'],
    exits: [...networkExits, EXIT.data],
    config: true,
    setup: (command) => command.option('--admin', 'for an administrator').option(...requireOption),
    run: (context, _args, options) => invite(context, options),
  });
};

export const accountCommands = (program: Command, ending: Ending): void => {
  ownCommands(program, ending);
  const account = addGroup(program, {
    name: 'account',
    about: 'for administrators: list, disable, enable and reset accounts',
    examples: ['shoal account list', 'shoal account disable alice'],
  });
  addCommand(account, ending, {
    usage: 'list',
    about: 'list all accounts',
    examples: ['shoal account list'],
    exits: networkExits,
    config: true,
    run: listAccounts,
  });
  for (const disabled of [true, false]) {
    const verb = disabled ? 'disable' : 'enable';
    addCommand<[string], DemandOptions>(account, ending, {
      usage: `${verb} <name>`,
      about: disabled ? 'end its logins and let it sign in no more' : 'let it sign in again',
      examples: [`shoal account ${verb} alice`],
      exits: networkExits,
      config: true,
      setup: (command) => command.option(...requireOption),
      run: (context, [name], options) => setDisabled(context, name, disabled, options),
    });
  }
  addCommand<[string], PasswordOptions & DemandOptions>(account, ending, {
    usage: 'reset <name>',
    about: 'give it a new password',
    examples: ['shoal account reset alice'],
    exits: passwordExits,
    config: true,
    setup: (command) => command.option(...passwordOption).option(...requireOption),
    run: (context, [name], options) => reset(context, name, options),
  });
};
