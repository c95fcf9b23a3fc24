/** From the text of configuration files to values, or to every problem at once. Pure: reading files is `load.ts`. */
import type { z } from 'zod';
import { describeIssue } from '../protocol/issue.ts';
import { type ProcessFile, processSchemas, type RoleName } from './schema.ts';
import { nearest } from './suggest.ts';

/** Something wrong in a file. */
export interface Problem {
  /** The file, as it was named. */
  readonly file: string;
  /** Where in it, for example `limits.peersMax`; empty for the whole file. */
  readonly path: string;
  /** One sentence. */
  readonly message: string;
}

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };

export const formatProblem = ({ file, path, message }: Problem): string =>
  path === '' ? `${file} ${message}` : `${file}: ${path} ${message}`;

const formatPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  );

type Shaped = {
  readonly shape?: Record<string, z.ZodType>;
  readonly element?: z.ZodType;
  readonly def: { readonly type: string; readonly innerType?: z.ZodType };
};

/** The schema that stands at `path`: through defaults, objects and lists. */
const schemaAt = (schema: z.ZodType | undefined, path: readonly PropertyKey[]): Shaped | undefined => {
  let at = schema as Shaped | undefined;
  const unwrap = (): void => {
    while (at?.def.innerType !== undefined) at = at.def.innerType as unknown as Shaped;
  };
  unwrap();
  for (const key of path) {
    at = (typeof key === 'number' ? at?.element : at?.shape?.[String(key)]) as Shaped | undefined;
    unwrap();
  }
  return at;
};

/** What a number counts, for whoever wrote one that cannot be, or something else in its place. */
const unitAt = (schema: z.ZodType, path: readonly PropertyKey[]): string => {
  const key = path.at(-1);
  if (key === undefined) return '';
  const field = schemaAt(schema, path.slice(0, -1))?.shape?.[String(key)];
  const about = field?.description ?? '';
  return about === '' || schemaAt(field, [])?.def.type !== 'number'
    ? ''
    : ` (${about.charAt(0).toLowerCase()}${about.slice(1).replace(/\.$/u, '')})`;
};

const sentenceOf = (issue: z.core.$ZodIssue, schema: z.ZodType): string => {
  const sentence = describeIssue(issue);
  return sentence === 'is missing' ? sentence : sentence + unitAt(schema, issue.path);
};

const problemsOf = (issue: z.core.$ZodIssue, schema: z.ZodType, file: string): Problem[] => {
  if (issue.code !== 'unrecognized_keys') return [{ file, path: formatPath(issue.path), message: sentenceOf(issue, schema) }];
  const valid = Object.keys(schemaAt(schema, issue.path)?.shape ?? {});
  return issue.keys.map((key) => {
    const meant = nearest(key, valid);
    const hint = meant === null ? `Known here: ${valid.filter((name) => name !== '$schema').join(', ')}` : `Did you mean "${meant}"?`;
    return { file, path: formatPath([...issue.path, key]), message: `is not a known key. ${hint}` };
  });
};

/** Strict JSON: no comments, no trailing commas. */
export const parseJson = (text: string, file: string): Parsed<unknown> => {
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch (error) {
    return { ok: false, problems: [{ file, path: '', message: `is not valid JSON: ${(error as Error).message}` }] };
  }
};

/** Checks `value` against a schema; fills in the defaults. */
export const checkShape = <S extends z.ZodType>(schema: S, value: unknown, file: string): Parsed<z.infer<S>> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, problems: parsed.error.issues.flatMap((issue) => problemsOf(issue, schema, file)) };
};

/** The file of one process: its `role` says which schema holds. */
export const checkProcessFile = (value: unknown, file: string): Parsed<ProcessFile> => {
  const role = typeof value === 'object' && value !== null ? (value as { role?: unknown }).role : undefined;
  const roles = Object.keys(processSchemas) as RoleName[];
  const known = roles.find((name) => name === role);
  if (known !== undefined) return checkShape<z.ZodType<ProcessFile>>(processSchemas[known], value, file);
  const meant = typeof role === 'string' ? nearest(role, roles) : null;
  const hint = meant === null ? '' : `. Did you mean "${meant}"?`;
  const message = role === undefined ? `is missing: one of ${roles.join(', ')}` : `must be one of ${roles.join(', ')}${hint}`;
  return { ok: false, problems: [{ file, path: 'role', message }] };
};
