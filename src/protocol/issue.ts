import type { z } from 'zod';

const unitOf = (origin: string): string => (origin === 'string' ? ' characters long' : origin === 'array' ? ' in number' : '');

/** What is wrong with a value, to follow its name: `must be at most 64 characters long`. */
export const describeIssue = (issue: z.core.$ZodIssue): string => {
  if (issue.code === 'invalid_type' && /received undefined/u.test(issue.message)) return 'is missing';
  if (issue.code === 'invalid_type') return `must be ${issue.expected === 'int' ? 'a whole number' : `a value of type ${issue.expected}`}`;
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}${unitOf(issue.origin)}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}${unitOf(issue.origin)}`;
  if (issue.code === 'invalid_value') return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
  if (issue.code === 'unrecognized_keys') return `must not have ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`;
  return issue.message;
};
