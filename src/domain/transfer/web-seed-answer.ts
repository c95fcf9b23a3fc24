/** What the answers of web seeds mean, and how long to leave them alone when they fail. */

export interface RangeAsked {
  /** In bytes of the file. */
  readonly from: number;
  readonly length: number;
  /** Bytes of the whole file, as the torrent says. */
  readonly fileBytes: number;
}

export type SeedVerdict =
  /** The body has what was asked for, after so many bytes that were not. */
  | { readonly kind: 'take'; readonly skipBytes: number }
  | { readonly kind: 'redirect' }
  /** It does not have this file, or not this one, or gives it in no way that is of use. */
  | { readonly kind: 'lacks'; readonly reason: string }
  /** It wants to be left alone, for so many seconds where it says so. */
  | { readonly kind: 'later'; readonly reason: string; readonly seconds: number | null }
  | { readonly kind: 'failed'; readonly reason: string };

/** Of a server that gives only whole files, so much is thrown away at most to get at what is wanted. */
export const SKIP_BYTES_MAX = 4 * 1024 * 1024;

const RETRY_SECONDS_MAX = 3_600;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const LACKING = new Set([401, 403, 404, 405, 406, 410, 451]);
const CONTENT_RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/iu;

const lacks = (reason: string): SeedVerdict => ({ kind: 'lacks', reason });
const failed = (reason: string): SeedVerdict => ({ kind: 'failed', reason });

const judgePartial = (fields: ReadonlyMap<string, string>, { from, length, fileBytes }: RangeAsked): SeedVerdict => {
  const [, first, last, size] = CONTENT_RANGE.exec(fields.get('content-range') ?? '') ?? [];
  if (first === undefined) return failed('it answers with a range that it does not name');
  if (size !== '*' && Number(size) !== fileBytes) return lacks('its file has another length');
  if (Number(first) !== from || Number(last) !== from + length - 1) return failed('it answers with another range');
  const told = fields.get('content-length');
  if (told !== undefined && Number(told) !== length) return failed('the length of its answer is wrong');
  return { kind: 'take', skipBytes: 0 };
};

const judgeWhole = (fields: ReadonlyMap<string, string>, { from, fileBytes }: RangeAsked): SeedVerdict => {
  const told = fields.get('content-length');
  if (told !== undefined && Number(told) !== fileBytes) return lacks('its file has another length');
  if (from > SKIP_BYTES_MAX) return lacks('it gives no parts of files');
  return { kind: 'take', skipBytes: from };
};

/** `Retry-After` in seconds; a date is taken for no answer, for nobody here knows the server's time. */
const retryAfter = (fields: ReadonlyMap<string, string>): number | null => {
  const told = fields.get('retry-after') ?? '';
  return /^\d{1,9}$/u.test(told) ? Math.min(RETRY_SECONDS_MAX, Math.max(1, Number(told))) : null;
};

/** What the head of an answer says about the range that was asked for (RFC 9110). Fields by name in lower case. */
export const judgeSeedAnswer = (status: number, fields: ReadonlyMap<string, string>, asked: RangeAsked): SeedVerdict => {
  if (REDIRECTS.has(status)) return { kind: 'redirect' };
  if (LACKING.has(status)) return lacks(`it answers ${status}`);
  if (status === 416) return lacks('its file is shorter');
  if (status === 429 || status === 503) return { kind: 'later', reason: `it answers ${status}`, seconds: retryAfter(fields) };
  if (status !== 200 && status !== 206) return failed(`it answers ${status}`);
  if ((fields.get('content-encoding') ?? 'identity').toLowerCase() !== 'identity')
    return failed('it compresses, although it is asked not to');
  return status === 206 ? judgePartial(fields, asked) : judgeWhole(fields, asked);
};

const BACK_OFF_SECONDS = 5;
const BACK_OFF_SECONDS_MAX = 600;

/** Seconds without a request after so many failures in a row, from 1 up: doubled each time, ten minutes at most. */
export const webSeedBackOff = (failures: number): number =>
  Math.min(BACK_OFF_SECONDS_MAX, BACK_OFF_SECONDS * 2 ** Math.min(16, Math.max(0, failures - 1)));
