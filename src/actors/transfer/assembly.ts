/** The parts of one transfer, put together. */
import { Content } from '../../data/content.ts';
import { Exchange, type ExchangeEvents } from '../../data/exchange.ts';
import { BothGates, OwnGate } from '../../data/own-gate.ts';
import { Meeting } from '../../data/meeting.ts';
import { Storage, type StoredFile } from '../../data/storage.ts';
import type { FilePriority } from '../../domain/transfer/file-priorities.ts';
import type { Failure } from '../../protocol/result.ts';
import { Checker } from './checker.ts';
import { Keeper, type RecordFacts } from './keeper.ts';
import { Selection } from './selection.ts';
import type { TransferPlan, TransferSetting } from './setting.ts';

/** What the parts tell the transfer, and ask of it. */
export interface AssemblyWays {
  readonly events: ExchangeEvents;
  facts(): RecordFacts;
  /** The journal could not be written. */
  failed(failure: Failure): void;
}

export interface Assembly {
  readonly content: Content;
  readonly exchange: Meeting;
  readonly selection: Selection;
  readonly keeper: Keeper;
  readonly checker: Checker;
  /** Its own limits of rate. */
  readonly gates: { readonly up: OwnGate; readonly down: OwnGate };
}

export const assemble = (setting: TransferSetting, { layout, metainfo, record }: TransferPlan, ways: AssemblyWays): Assembly => {
  const { clock, crypto, disk, log, random } = setting.ports;
  const files: StoredFile[] = record.files.map((file) => ({
    path: file.path,
    facts: record.placed ? file.facts : null,
    adopted: file.adopted,
  }));
  const storage = new Storage({ layout, disk, clock, open: setting.open, files });
  const content = new Content({ metainfo, layout, storage, clock, crypto, pool: setting.pool });
  const priorities = record.files.map(({ priority, selected }): FilePriority => (selected ? (priority ?? 'normal') : 'skip'));
  const selection = new Selection(layout, content.map, priorities);
  const gates = { up: new OwnGate(clock, record.settings?.uploadRate ?? 0), down: new OwnGate(clock, record.settings?.downloadRate ?? 0) };
  const exchange = new Meeting({
    content,
    port: setting.port,
    sequential: record.sequential,
    superSeeding: record.settings?.superSeeding === true,
    make: () =>
      new Exchange({
        clock,
        random: random.fork(`transfer ${layout.id}`),
        content,
        pool: setting.pool,
        uplink: setting.uplink,
        upGate: gates.up,
        downGate: new BothGates(gates.down, setting.downGate),
        dialler: setting.port,
        web: setting.web,
        peersMax: setting.limits.peersPerTransferMax,
        uploadSlots: setting.limits.uploadSlots,
        events: ways.events,
      }),
  });
  const path = setting.journalPath(layout.id);
  const keeper = new Keeper({ clock, disk, content, path, facts: () => ways.facts(), failed: (failure) => ways.failed(failure) });
  const checker = new Checker({ disk, log, content, record, selected: selection.files, keeper });
  return { content, exchange, selection, keeper, checker, gates };
};
