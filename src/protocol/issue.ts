import type { z } from 'zod';

const unitOf = (origin: string): string => (origin === 'string' ? ' characters long' : origin === 'array' ? ' in number' : '');

const KINDS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** What is wrong with a value, to follow its name: `must be at most 64 characters long`. */
export const describeIssue = (issue: z.core.$ZodIssue): string => {
  if (issue.code === 'invalid_type' && /received undefined/u.test(issue.message)) return 'is missing';
  // The schema's own words, where it has some.
  if (issue.code === 'invalid_type' && issue.message.startsWith('must ')) return issue.message;
  if (issue.code === 'invalid_type') return `must be ${KINDS[issue.expected] ?? `a value of type ${issue.expected}`}`;
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}${unitOf(issue.origin)}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}${unitOf(issue.origin)}`;
  if (issue.code === 'invalid_value') return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
  if (issue.code === 'unrecognized_keys') return `must not have ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`;
  return issue.message;
};
