import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import type { Context } from './command.ts';
import { CommandError } from './exit.ts';
import { Output } from './output.ts';
import { newPassword } from './passwords.ts';

/** A terminal on which `typed` has been typed; says whether what is typed is shown. */
const terminal = (typed: string): { context: Context; raw: () => boolean } => {
  let raw = false;
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (on: boolean) => {
      raw = on;
      return input;
    },
  });
  input.write(typed);
  const nowhere = { write: () => true };
  const output = new Output({ out: nowhere, err: nowhere, json: false, env: {} });
  return { context: { output, env: {}, input: input as unknown as NodeJS.ReadStream, configFile: null }, raw: () => raw };
};

const refused = async (typed: string): Promise<string> => {
  const { context, raw } = terminal(typed);
  try {
    await newPassword(context, {}, '');
  } catch (error) {
    assert.ok(error instanceof CommandError);
    assert.equal(raw(), false, 'the terminal is as it was');
    return error.failure.code;
  }
  return 'taken';
};

describe('a new password on a terminal', () => {
  it('is typed twice, and taken as it is corrected', async () => {
    const { context, raw } = terminal('mật khẩz\u007fu\rmật khẩu\r');
    assert.equal(await newPassword(context, {}, ''), 'mật khẩu');
    assert.equal(raw(), false);
    assert.equal(await newPassword(terminal('correct horse\r\ncorrect horse\r\n').context, {}, ''), 'correct horse');
  });

  it('is refused before it is typed again where it is too short', async () => {
    assert.equal(await refused('mật mã\r'), 'password-weak');
  });

  it('is not taken where the two differ, or Ctrl-C ends it', async () => {
    assert.equal(await refused('correct horse\rcorrect hose\r'), 'usage');
    assert.equal(await refused('correct \u0003'), 'interrupted');
  });
});
