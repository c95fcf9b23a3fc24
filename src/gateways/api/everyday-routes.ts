/** The part of the table of routes that is about everyday things: files, queue, limits, goals, folders. */
import { z } from 'zod';
import { RATIO_MAX, SEED_SECONDS_MAX } from '../../protocol/terms.ts';
import type { ApiCallName } from '../../protocol/api.ts';
import type { Route } from './routes.ts';

const text = (lengthMax: number): z.ZodString => z.string().max(lengthMax);
const whole = z.number().min(0);
const goal = z.object({ ratio: whole.nullable(), seconds: whole.nullable() });
/** Of a transfer, in its summary too. */
export const terms = z.object({
  queue: whole,
  complete: z.boolean(),
  finishing: z.boolean(),
  sequential: z.boolean(),
  uploadLimit: whole,
  downloadLimit: whole,
  goal,
  superSeeding: z.boolean(),
  ratio: whole,
  seededSeconds: whole,
});
const globs = z.array(text(1024)).max(1000);
const rate = z.int().min(0).nullable();
const rates = z.object({ uploadRate: whole, downloadRate: whole });
const files = z.object({
  files: z.array(z.object({ path: z.string(), size: whole, doneBytes: whole, priority: z.enum(['skip', 'low', 'normal', 'high']) })),
  sequential: z.boolean(),
});

type Everyday = 'files' | 'files.set' | 'queue' | 'limits' | 'seed' | 'move';
type Post = <K extends ApiCallName>(path: string, about: string, args: Route<K>['args'], result: Route<K>['result']) => Route<K>;

export const everydayRoutes = (post: Post): { readonly [K in Everyday]: Route<K> } => ({
  files: post(
    'transfers/files',
    'The files of a transfer, with how far each is and how much it is wanted.',
    z.strictObject({ id: text(256) }),
    files,
  ),
  'files.set': post(
    'transfers/files/set',
    'Says by globs how much files are wanted, also while they are downloaded: what is skipped first, then the others from low to high.',
    z.strictObject({ id: text(256), skip: globs, low: globs, normal: globs, high: globs, sequential: z.boolean().nullable() }),
    files,
  ),
  queue: post(
    'transfers/queue',
    'Moves a transfer in the queue.',
    z.strictObject({ id: text(256), move: z.enum(['top', 'bottom', 'up', 'down']) }),
    z.object({ queue: whole }),
  ),
  limits: post(
    'limits',
    'Limits of rate of the node, or of one transfer: asks, or sets what is not null.',
    z.strictObject({ id: text(256).nullable(), uploadRate: rate, downloadRate: rate }),
    rates.extend({ now: rates, scheduled: z.boolean() }),
  ),
  seed: post(
    'transfers/seed',
    'When seeding of a transfer is over: asks, or sets its goal; and whether it super-seeds (BEP 16).',
    z.strictObject({
      id: text(256),
      goal: z
        .strictObject({ ratio: whole.max(RATIO_MAX).nullable(), seconds: whole.max(SEED_SECONDS_MAX).nullable() })
        .or(z.literal('node'))
        .nullable(),
      superSeeding: z.boolean().exactOptional(),
    }),
    terms,
  ),
  move: post(
    'transfers/move',
    'Moves the files of a transfer to another folder; answers when they lie there.',
    z.strictObject({ id: text(256), folder: text(4096) }),
    z.object({ folder: z.string() }),
  ),
});
