/** The part of a node's schema that is about its everyday work: seeding, schedules, the watched folder, programs. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { RATIO_MAX, SEED_SECONDS_MAX } from '../protocol/terms.ts';
import { DAYS, parseTimeOfDay } from '../protocol/terms.ts';
import type { NodeConfig } from './types.ts';

const RATE_MAX = 100_000_000_000;
const HOUR_SECONDS = 3600;

const path = (description: string) =>
  z
    .string()
    .min(1)
    .max(4096)
    .meta({ description: `${description} Relative to this file.` });

const rate = (what: string) =>
  z
    .int()
    .min(0)
    .max(RATE_MAX)
    .optional()
    .meta({ description: `Bytes a second of ${what} meanwhile; 0 for no limit. Not given: as at other times.` });

const timeOfDay = (description: string) =>
  z
    .string()
    .refine((text) => parseTimeOfDay(text) !== null, { error: 'must be a time of day from 00:00 to 24:00, for example 08:30' })
    .meta({ description });

const encryption = z.enum(['off', 'allowed', 'preferred', 'required']).default('allowed').meta({
  description:
    'Encrypted streams (MSE), to meet clients that demand them; they are no security. off; allowed: for who asks, and tried with those that do not answer; preferred: tried first; required: with every peer.',
});

const bind = z
  .array(z.string().refine((text) => isIP(text) !== 0, { error: 'must be an IP address of this machine' }))
  .max(2)
  .refine((hosts) => new Set(hosts.map(isIP)).size === hosts.length, { error: 'must be one address of IPv4 and one of IPv6 at most' })
  .default([])
  .meta({
    description:
      "IP addresses of this machine, one of IPv4 and one of IPv6 at most: peers are reached from them alone, and reach this node at them alone, in place of the host of `listen`. With one family only, peers of the other are left out. Empty: the system's choice.",
  });

const seeding = z
  .strictObject({
    ratio: z.number().min(0).max(RATIO_MAX).nullable().default(null).meta({ description: 'Bytes given for each byte of a content.' }),
    hours: z
      .number()
      .min(0)
      .max(SEED_SECONDS_MAX / HOUR_SECONDS)
      .nullable()
      .default(null)
      .meta({ description: 'Hours of seeding.' }),
  })
  .prefault({})
  .meta({
    description: 'Seeding of a content that was downloaded stops by the first of these that is reached; null: no matter. See `shoal seed`.',
  });

const schedule = z
  .array(
    z.strictObject({
      days: z
        .array(z.enum(DAYS))
        .min(1)
        .max(7)
        .default([...DAYS])
        .meta({ description: 'The days on which it begins.' }),
      from: timeOfDay('When it begins, by the local time of this machine (`TZ`).'),
      to: timeOfDay('When it ends. Not after `from`: on the next day.'),
      uploadRate: rate('upload'),
      downloadRate: rate('download'),
    }),
  )
  .max(64)
  .default([])
  .meta({ description: 'Limits of the whole node by the time of day, in place of `limits`; the first that holds counts.' });

const watch = z
  .strictObject({
    folder: path('The folder. Files that end in .torrent and .magnet are taken, once each.'),
    as: z
      .enum(['get', 'share'])
      .default('get')
      .meta({ description: 'What is done with them: downloaded, or (`share`) published in the catalog and seeded.' }),
    to: path('Where their contents go. Not given: where downloads go.').optional(),
    delete: z
      .boolean()
      .default(false)
      .meta({ description: 'Delete what was taken; otherwise it is renamed, with .added at the end. What cannot be taken gets .failed.' }),
    seconds: z.int().min(1).max(3600).default(5).meta({ description: 'Seconds between two looks.' }),
  })
  .optional()
  .meta({ description: 'A folder to drop torrents and magnets in.' });

const onComplete = z
  .array(z.string().max(4096))
  .max(64)
  .refine(([program]) => program !== '', { error: 'must begin with a program' })
  .default([])
  .meta({
    description:
      'A program and its arguments, run (without a shell) for every download that is complete. {id}, {name}, {folder}, {path} and {bytes} stand for those of the download; it has them as SHOAL_ID, SHOAL_NAME, SHOAL_FOLDER, SHOAL_PATH and SHOAL_BYTES too. It is ended after ten minutes.',
  });

export const everydayFields = { bind, encryption, seeding, schedule, watch, onComplete } as const;

export const seedingLimits = {
  activeSeedsMax: z
    .int({ error: (issue) => (issue.input === undefined ? undefined : 'must be a whole number') })
    .min(0)
    .max(100_000)
    .default(0)
    .meta({ description: 'Contents that are seeded at one time, those that nobody wants anything of not counted; 0 for no limit.' }),
} as const;

interface EverydayFile {
  readonly seeding: z.infer<typeof seeding>;
  readonly schedule: z.infer<typeof schedule>;
  readonly watch?: z.infer<typeof watch>;
  readonly onComplete: z.infer<typeof onComplete>;
}

/** What such a file says; `resolve` makes a path absolute. */
export const everydayConfig = (
  file: EverydayFile,
  resolve: (path: string) => string,
): Pick<NodeConfig, 'seeding' | 'schedule' | 'watch' | 'onComplete'> => ({
  seeding: { ratio: file.seeding.ratio, seconds: file.seeding.hours === null ? null : file.seeding.hours * HOUR_SECONDS },
  schedule: file.schedule.map(({ days, from, to, uploadRate, downloadRate }) => ({
    days,
    from: parseTimeOfDay(from) ?? 0,
    to: parseTimeOfDay(to) ?? 0,
    uploadRate: uploadRate ?? null,
    downloadRate: downloadRate ?? null,
  })),
  watch:
    file.watch === undefined
      ? null
      : { ...file.watch, folder: resolve(file.watch.folder), to: file.watch.to === undefined ? null : resolve(file.watch.to) },
  onComplete: file.onComplete,
});
