/** Following a download, and seeding inside a command. */
import { concatMap, from, lastValueFrom, takeUntil, takeWhile, tap } from 'rxjs';
import type { TransferSummary } from '../../protocol/api.ts';
import { polled } from '../../telemetry/progress.ts';
import type { Context } from '../command.ts';
import { EXIT, type ExitCode, stopWith } from '../exit.ts';
import type { OwnableNode } from '../node-access.ts';
import { asTyped, commandLine } from '../hints.ts';
import { formatDuration, formatPercent, formatRate, formatSize, plural, printable, shortId } from '../render/format.ts';
import { ProgressView } from '../render/progress.ts';
import { countText, sourceText, withSourceNames } from '../source-names.ts';
import type { StopRequest } from '../signals.ts';
import { listTransfers } from '../transfer-ids.ts';

const POLL_MS = 250;
/** How long a command waits for the catalog to name its node as an owner before it leaves. */
const OWNED_WAIT_MS = 3_000;

const onlyTransfer = async (node: OwnableNode, id: string): Promise<TransferSummary> =>
  (await listTransfers(node, id))[0] ?? stopWith('failed', 'The download was removed from the node.');

/** Also one that is complete and waits for its turn to be seeded; not before what follows its completion is done. */
const isOver = ({ state, terms }: TransferSummary): boolean => {
  if (state === 'paused' || state === 'failed') return true;
  return (state === 'seeding' || (state === 'waiting' && terms?.complete === true)) && terms?.finishing !== true;
};

/** States in which the reason says more than figures. */
const STANDING: ReadonlySet<TransferSummary['state']> = new Set(['metadata', 'waiting', 'checking', 'moving'] as const);

/** Of a link without its torrent nobody knows the size yet, unless the link says it. */
export const sizeOf = ({ size, state }: TransferSummary): number | null => (size === 0 && state === 'metadata' ? null : size);

/** What a command saw of a download, from its first look at it. */
interface Seen {
  readonly bytes: number;
  readonly seconds: number;
}

/** Over a shorter time a rate says nothing. */
const PACE_SECONDS_MIN = 1;

/** ` in 4 s (28.4 MB/s)`: of the bytes that came while this command looked on; what an earlier one brought is told apart. */
export const paceText = (size: number, { bytes, seconds }: Seen): string => {
  if (bytes <= 0 || seconds < PACE_SECONDS_MIN) return '';
  const part = bytes < size ? `, ${formatSize(bytes)} of it` : '';
  return `${part} in ${formatDuration(seconds)} (${formatRate(bytes / seconds)})`;
};

/** As wide as "done" and the space behind it. */
const DONE_INDENT = 6;

const showDone = (context: Context, transfer: TransferSummary, seen: Seen): void => {
  const { output } = context;
  const sources = transfer.sources.filter(({ bytes }) => bytes > 0);
  output.value({ ...transfer, seconds: seen.seconds });
  output.sentence(
    `${output.style.green('done')}  ${output.style.bold(printable(transfer.name))}  ${formatSize(transfer.size)}${paceText(transfer.size, seen)}, every byte verified`,
    DONE_INDENT,
  );
  if (sources.length > 0)
    output.sentence(
      `from ${countText(sources)}: ${sources.map((source) => `${printable(sourceText(source))} ${formatSize(source.bytes)}`).join(', ')}`,
      DONE_INDENT,
    );
  output.line(`in ${transfer.folder}`);
};

const interrupted = (context: Context, node: OwnableNode, { id, doneBytes, size }: TransferSummary): ExitCode => {
  const at = formatPercent(doneBytes, size);
  if (node.own) context.output.note(`Stopped at ${at}. Run the same command again and it resumes.`);
  else context.output.note(`At ${at}; the download goes on in the node. To pause it: ${commandLine(context, 'pause', [shortId(id)])}`);
  return EXIT.interrupted;
};

/** A node inside the command ends with it, so what it has is taken up again by the same command. */
const ended = (context: Context, transfer: TransferSummary, own: boolean): void => {
  const why = transfer.reason === null ? null : asTyped(context, transfer.reason, shortId(transfer.id));
  const name = printable(transfer.name);
  const again = own
    ? 'Run the same command again then: it resumes.'
    : `To go on at once: ${commandLine(context, 'resume', [shortId(transfer.id)])}`;
  if (transfer.state === 'failed') stopWith('failed', `The download of ${name} failed: ${why ?? 'no reason was given.'}`);
  if (transfer.state === 'paused') stopWith('paused', `The download of ${name} is paused.${why === null ? '' : ` ${why}`} ${again}`);
};

/** Shows a download until it is complete, fails, is paused, or the user has seen enough. */
export const followDownload = async (context: Context, node: OwnableNode, id: string, signals: StopRequest): Promise<ExitCode> => {
  const view = new ProgressView(context.output);
  const show = (transfer: TransferSummary): void =>
    view.show({
      label: printable(transfer.name),
      doneBytes: transfer.doneBytes,
      size: sizeOf(transfer),
      rate: transfer.downRate,
      secondsLeft: transfer.secondsLeft,
      sources: transfer.sources.map((source) => ({ name: sourceText(source), bytes: source.bytes })),
      reason: STANDING.has(transfer.state) ? (transfer.reason ?? transfer.state) : null,
    });
  const first = await onlyTransfer(node, id);
  const startedMs = performance.now();
  const last = await lastValueFrom(
    polled(() => onlyTransfer(node, id), POLL_MS).pipe(
      tap(show),
      takeWhile((transfer) => !isOver(transfer), true),
      takeUntil(from(signals.requested)),
    ),
    { defaultValue: first },
  );
  const seen = { bytes: last.downloadedBytes - first.downloadedBytes, seconds: (performance.now() - startedMs) / 1000 };
  view.clear();
  if (!isOver(last)) return interrupted(context, node, last);
  ended(context, last, node.own);
  showDone(context, await withSourceNames(last, () => onlyTransfer(node, id)), seen);
  if (node.own && last.swarm !== 'trackers') await untilOwned(node, id, signals);
  return EXIT.ok;
};

/** So that the network knows of the new owner before a command's own node leaves. */
const untilOwned = async (node: OwnableNode, id: string, signals: StopRequest): Promise<void> => {
  const deadline = performance.now() + OWNED_WAIT_MS;
  await lastValueFrom(
    polled(() => onlyTransfer(node, id), POLL_MS).pipe(
      takeWhile(({ owned }) => !owned && performance.now() < deadline),
      takeUntil(from(signals.requested)),
    ),
    { defaultValue: null },
  );
};

/** Stays until a signal comes, and shows what is uploaded. */
export const seedUntilStopped = async (context: Context, node: OwnableNode, id: string, signals: StopRequest): Promise<void> => {
  const { output } = context;
  output.note('Seeding until Ctrl-C.');
  let shown = '';
  await lastValueFrom(
    polled(() => onlyTransfer(node, id), 1_000).pipe(
      tap(({ uploadedBytes, upRate, peers }) => {
        const line = `uploaded ${formatSize(uploadedBytes)}  ${formatRate(upRate)}  ${plural(peers, 'peer')}`;
        if (line !== shown) output.draw(`\r${line}\u001b[K`);
        shown = line;
      }),
      takeUntil(from(signals.requested)),
      concatMap(() => []),
    ),
    { defaultValue: null },
  );
  output.draw('\r\u001b[K');
};
