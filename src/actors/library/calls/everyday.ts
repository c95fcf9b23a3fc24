/** Calls by which a user says what is wanted first, how fast, for how long, and where. */
import type { ApiCalls, FileSummary } from '../../../protocol/api.ts';
import type { PieceIndex } from '../../../protocol/bittorrent/ids.ts';
import { cleanName } from '../../../protocol/bittorrent/names.ts';
import { type Done, fail, ok } from '../../../protocol/result.ts';
import { wishedPriorities } from '../../../domain/transfer/file-priorities.ts';
import type { Transfer } from '../../transfer/transfer.ts';
import { lookForFiles } from '../fetching.ts';
import type { CallsOf, LibraryParts } from '../parts.ts';
import { transferTerms } from '../summaries.ts';
import { isAbsolute } from '../walk.ts';

/** Digits of an id that people are shown. */
const ID_SHOWN = 12;

type FilesResult = ApiCalls['files']['result'];

/** While its files go from one place to another nothing else may be decided about them. */
const underWay = ({ phase }: Transfer): boolean => phase === 'completing' || phase === 'moving';
const busy = ({ metainfo }: Transfer): ReturnType<typeof fail> =>
  fail('busy', `${cleanName(metainfo.name)} is being moved to its place just now; ask again.`);

const doneBytesOf = ({ content, layout }: Transfer, index: number): number => {
  const { endPiece = 0, firstPiece = 0 } = layout.files[index] ?? {};
  let done = 0;
  for (let piece = firstPiece as PieceIndex; piece < endPiece; piece++) {
    if (!content.map.has(piece)) continue;
    for (const { file, length } of layout.segments(piece)) if (file.index === index) done += length;
  }
  return done;
};

const filesOf = (transfer: Transfer): FilesResult => ({
  files: transfer.layout.files.map(({ index, path, size }): FileSummary => ({
    path: path.join('/'),
    size,
    doneBytes: doneBytesOf(transfer, index),
    priority: transfer.priorities[index] ?? 'skip',
  })),
  sequential: transfer.wishes.sequential,
});

const setFiles = (
  { holdings, ports }: LibraryParts,
  transfer: Transfer,
  args: ApiCalls['files.set']['args'],
  done: Done<FilesResult>,
): void => {
  const { layout, notes } = transfer;
  const wished = wishedPriorities(
    layout.files.map(({ path }) => path),
    transfer.priorities,
    args,
  );
  if ('unmatched' in wished) return done(fail('no-such-file', `No file of the torrent matches "${wished.unmatched}".`));
  if (wished.every((priority) => priority === 'skip'))
    return done(fail('bad-request', 'Nothing of it would be left: pause it, or remove it, instead.'));
  if (underWay(transfer)) return done(busy(transfer));
  if (holdings.changing.has(transfer.id)) return done(fail('busy', 'It is being set up or removed just now; ask again.'));
  if (args.sequential !== null) transfer.wishes.setSequential(args.sequential);
  const more = wished.flatMap((priority, n) => (priority !== 'skip' && transfer.priorities[n] === 'skip' ? [n] : []));
  // Of what is there already nothing is to be looked for.
  const missing = notes.placed && transfer.content.map.full ? [] : more;
  holdings.changing.add(transfer.id);
  return lookForFiles(ports.disk, notes.folder, layout, missing, (files) => {
    holdings.changing.delete(transfer.id);
    if (!files.ok) return done(files);
    if (underWay(transfer)) return done(busy(transfer));
    return transfer.wishes.prioritise(wished, files.value, (set) => done(set.ok ? ok(filesOf(transfer)) : set));
  });
};

const limits = ({ everyday, holdings }: LibraryParts, args: ApiCalls['limits']['args'], done: Done<ApiCalls['limits']['result']>): void => {
  const { downloadRate, id, uploadRate } = args;
  if (id === null) {
    const { speed } = everyday;
    const answer = (): void => done(ok({ ...speed.usual, now: speed.now, scheduled: speed.scheduled !== null }));
    if (uploadRate === null && downloadRate === null) return answer();
    const { usual } = speed;
    const rates = { uploadRate: uploadRate ?? usual.uploadRate, downloadRate: downloadRate ?? usual.downloadRate };
    return speed.set(rates, (kept) => (kept.ok ? answer() : done(kept)));
  }
  return holdings.with(id, done, ({ notes: { terms }, wishes }) => {
    if (uploadRate !== null || downloadRate !== null) wishes.limit(uploadRate ?? terms.uploadRate, downloadRate ?? terms.downloadRate);
    const set = { uploadRate: terms.uploadRate, downloadRate: terms.downloadRate };
    done(ok({ ...set, now: set, scheduled: false }));
  });
};

/** Another transfer that has a file of this one: a folder that was shared twice, say as hybrid and as version 1. */
const onSameFiles = (holdings: LibraryParts['holdings'], transfer: Transfer): Transfer | undefined => {
  const own = new Set(transfer.content.storage.files.map(({ path }) => path));
  return holdings.all.find((other) => other !== transfer && other.content.storage.files.some(({ path }) => own.has(path)));
};

const move = ({ holdings }: LibraryParts, { folder, id }: ApiCalls['move']['args'], done: Done<ApiCalls['move']['result']>): void =>
  holdings.with(id, done, (transfer) => {
    const plain = folder.length > 1 ? folder.replace(/[/\\]+$/u, '') : folder;
    if (!isAbsolute(folder)) return done(fail('bad-request', `${folder} is no absolute path.`));
    if (plain === transfer.notes.folder.replace(/[/\\]+$/u, '')) return done(ok({ folder: transfer.notes.folder }));
    if (`${plain}/`.startsWith(`${transfer.notes.folder}/${transfer.layout.files[0]?.diskPath[0] ?? ''}/`))
      return done(fail('bad-request', `${folder} lies inside of what is to be moved.`));
    if (underWay(transfer)) return done(busy(transfer));
    const other = onSameFiles(holdings, transfer);
    if (other !== undefined) {
      const [id, name] = [other.id.slice(0, ID_SHOWN), cleanName(other.metainfo.name)];
      const why = `${name} (${id}) lies on the same files, and would lose them: nothing is moved. Remove that one first ("shoal remove ${id}", which leaves the files), and share it again from there.`;
      return done(fail('same-files', why));
    }
    return transfer.wishes.move(plain, (moved) => done(moved.ok ? ok({ folder: plain }) : moved));
  });

export const everydayCalls = (parts: LibraryParts): CallsOf<'files' | 'files.set' | 'queue' | 'limits' | 'seed' | 'move'> => {
  const { everyday, holdings, ports } = parts;
  return {
    files: ({ id }, done) => holdings.with(id, done, (transfer) => done(ok(filesOf(transfer)))),
    'files.set': (args, done) => holdings.with(args.id, done, (transfer) => setFiles(parts, transfer, args, done)),
    queue: ({ id, move: to }, done) => holdings.with(id, done, (transfer) => done(ok({ queue: everyday.turns.move(transfer, to) }))),
    limits: (args, done) => limits(parts, args, done),
    seed: ({ goal, id, superSeeding }, done) =>
      holdings.with(id, done, (transfer) => {
        if (goal !== null) transfer.wishes.setGoal(goal === 'node' ? null : goal);
        if (superSeeding !== undefined) transfer.wishes.setSuperSeeding(superSeeding);
        done(ok(transferTerms(transfer, ports.clock.now(), everyday.turns.numberOf(transfer))));
      }),
    move: (args, done) => move(parts, args, done),
  };
};
