/** Passwords come from the terminal without echo, or from standard input: never from an argument, which others can see. */
import { checkNewPassword } from '../domain/accounts/names.ts';
import type { Context } from './command.ts';
import { CommandError, give, stopWith } from './exit.ts';

const INPUT_BYTES_MAX = 4096;

const BACKSPACE = new Set(['\u007f', '\b']);

/** One line, typed and not shown. */
const askHidden = (context: Context, prompt: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { input } = context;
    let typed: string[] = [];
    /** `rest` is for whoever asks next: both lines may be pasted at once. */
    const finish = (rest: readonly string[], end: () => void): void => {
      input.off('data', read).setRawMode(false).pause();
      if (rest.length > 0) input.unshift(rest.join(''));
      process.stderr.write('\n');
      end();
    };
    const read = (chunk: string): void => {
      const characters = [...chunk];
      for (const [at, character] of characters.entries()) {
        if (character === '\r' || character === '\n') {
          const end = character === '\r' && characters[at + 1] === '\n' ? at + 2 : at + 1;
          return finish(characters.slice(end), () => resolve(typed.join('')));
        }
        if (character === '\u0003' || character === '\u0004')
          return finish([], () => reject(new CommandError({ code: 'interrupted', message: 'Nothing was changed.' })));
        if (BACKSPACE.has(character)) typed = typed.slice(0, -1);
        else if (character === '\u0015') typed = [];
        else if (character >= ' ') typed.push(character);
      }
    };
    process.stderr.write(prompt);
    input.setEncoding('utf8').setRawMode(true).on('data', read).resume();
  });

const readLines = async (context: Context, count: number): Promise<string[]> => {
  let text = '';
  context.input.setEncoding('utf8');
  for await (const chunk of context.input as AsyncIterable<string>) {
    text += chunk;
    if (text.length > INPUT_BYTES_MAX) stopWith('usage', 'Standard input is too long for a password.');
    if (text.split('\n').length > count) break;
  }
  const lines = text.split(/\r?\n/u).slice(0, count);
  if (lines.length < count || lines.some((line) => line === '')) {
    stopWith(
      'usage',
      count === 1 ? 'Standard input has no password.' : `Standard input must have ${count} lines: the old password, then the new one.`,
    );
  }
  return lines;
};

const needTerminal = (context: Context): void => {
  if (!context.input.isTTY) stopWith('usage', 'There is no terminal to ask for a password. Use --password-stdin.');
};

export interface PasswordOptions {
  readonly passwordStdin?: boolean;
}

export const passwordOption = ['--password-stdin', 'read the password from standard input instead of asking'] as const;

/** A password that is known to the network already. */
export const currentPassword = async (context: Context, options: PasswordOptions, prompt = 'Password: '): Promise<string> => {
  if (options.passwordStdin === true) return (await readLines(context, 1))[0] ?? '';
  needTerminal(context);
  return askHidden(context, prompt);
};

const askTwice = async (context: Context, prompt: string): Promise<string> => {
  // Before it is typed again.
  const first = give(checkNewPassword(await askHidden(context, prompt)));
  if ((await askHidden(context, 'Once more: ')) !== first) stopWith('usage', 'The two are not the same. Nothing was changed.');
  return first;
};

/** A password to be set: on a terminal it is asked for twice. */
export const newPassword = async (context: Context, options: PasswordOptions, prompt = 'Password: '): Promise<string> => {
  if (options.passwordStdin === true) return give(checkNewPassword((await readLines(context, 1))[0] ?? ''));
  needTerminal(context);
  return askTwice(context, prompt);
};

/** The old password and the new one. */
export const passwordChange = async (context: Context, options: PasswordOptions): Promise<{ oldPassword: string; newPassword: string }> => {
  if (options.passwordStdin === true) {
    const [old = '', fresh = ''] = await readLines(context, 2);
    return { oldPassword: old, newPassword: give(checkNewPassword(fresh)) };
  }
  needTerminal(context);
  const old = await askHidden(context, 'Old password: ');
  return { oldPassword: old, newPassword: await askTwice(context, 'New password: ') };
};
