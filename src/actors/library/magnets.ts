/** The magnet links of a node whose torrents are not here yet, across restarts. */
import type { Reactor } from '../../bus/reactor.ts';
import { each } from '../../data/each.ts';
import type { Ports } from '../../ports/ports.ts';
import { type Magnet, readMagnet } from '../../protocol/bittorrent/magnet.ts';
import type { InfoHash } from '../../protocol/bittorrent/ids.ts';
import { ID_PREFIX_MIN } from '../../protocol/control/limits.ts';
import { equalBytes, toHex } from '../../protocol/digest.ts';
import { type Done, type Failure, fail, ok } from '../../protocol/result.ts';
import { type FoundTorrent, type MagnetSetting, PendingMagnet } from '../magnet/magnet.ts';
import { decodeMagnetRecord, encodeMagnetRecord, MAGNET_RECORD_BYTES_MAX, type MagnetRecord } from '../magnet/record.ts';
import { joinPath } from '../transfer/placement.ts';

/** Links that wait for their torrents at once. */
const MAGNETS_MAX = 1_000;
const FILE = /^([0-9a-f]{40,64})\.magnet\.json$/u;

export interface MagnetsSettings extends Pick<MagnetSetting, 'port' | 'trackers' | 'ask'> {
  readonly reactor: Reactor;
  readonly ports: Ports;
  /** Where the records are. */
  readonly folder: string;
  /** Begins the download of a torrent that was found. */
  setUp(magnet: PendingMagnet, found: FoundTorrent, done: Done<unknown>): void;
  /** Whether a transfer has it already. */
  held(hashes: Hashes): boolean;
}

type Hashes = { readonly v1: InfoHash | null; readonly v2: InfoHash | null };

const sameHash = (a: InfoHash | null, b: InfoHash | null): boolean => a !== null && b !== null && equalBytes(a, b);

export class Magnets {
  readonly #settings: MagnetsSettings;
  readonly #setting: MagnetSetting;
  readonly #magnets = new Map<string, PendingMagnet>();

  constructor(settings: MagnetsSettings) {
    this.#settings = settings;
    this.#setting = {
      reactor: settings.reactor,
      ports: settings.ports,
      port: settings.port,
      trackers: (torrent, member) => settings.trackers(torrent, member),
      ask: (magnet, done) => settings.ask(magnet, done),
      setUp: (magnet, found, done) => settings.setUp(magnet, found, done),
      changed: (magnet) => this.#save(magnet.id, magnet.record, () => {}),
      over: (magnet) => this.#drop(magnet, () => {}),
    };
  }

  /** Those that no transfer stands for yet. */
  get all(): readonly PendingMagnet[] {
    return [...this.#magnets.values()].filter(({ magnet }) => !this.#settings.held(magnet));
  }

  /** The one of an id, or of the beginning of one: that of either version. Null where there is none, or more. */
  named(id: string): PendingMagnet | null {
    const wanted = id.toLowerCase();
    if (wanted.length < ID_PREFIX_MIN) return null;
    const [first, second] = this.all.filter(
      (one) => one.id.startsWith(wanted) || (one.magnet.v1 !== null && toHex(one.magnet.v1).startsWith(wanted)),
    );
    return first === undefined || second !== undefined ? null : first;
  }

  /**
   * A link whose content the catalog does not have (`asked`), or of which it could not be asked. Answers when it survives a
   * restart. One that is there already goes on. Errors: `busy`, the disk's.
   */
  add(magnet: Magnet, record: MagnetRecord, asked: boolean, done: Done<{ readonly id: string }>): void {
    const hash = magnet.v2 ?? magnet.v1;
    const id = hash === null ? '' : toHex(hash);
    const there = this.#magnets.get(id);
    if (there !== undefined) {
      there.resume();
      return done(ok({ id }));
    }
    if (this.#magnets.size >= MAGNETS_MAX) return done(fail('busy', `${MAGNETS_MAX} links wait for their torrents already.`));
    return this.#save(id, record, (saved) => {
      if (!saved.ok) return done(saved);
      if (!this.#magnets.has(id)) this.#magnets.set(id, new PendingMagnet(this.#setting, magnet, record, asked));
      return done(ok({ id }));
    });
  }

  /** Forgets a link. Errors: `busy` while its download is being set up, the disk's. */
  remove(magnet: PendingMagnet, done: Done<void>): void {
    if (magnet.phase === 'settingUp') done(fail('busy', `${magnet.name} is being set up just now; ask again.`));
    else this.#drop(magnet, done);
  }

  /** The torrent is here by another way. One that is just beginning its download goes on. */
  superseded(hashes: Hashes): void {
    for (const one of this.#magnets.values()) {
      const same = sameHash(one.magnet.v1, hashes.v1) || sameHash(one.magnet.v2, hashes.v2);
      if (same && one.phase !== 'settingUp' && one.phase !== 'over') this.#drop(one, () => {});
    }
  }

  /** The network is reached: those that it could not be asked about are asked for. */
  reached(): void {
    for (const magnet of this.#magnets.values()) magnet.reached();
  }

  /** Takes up those of before; called when the transfers are there. What cannot be read is left where it is and logged. */
  start(done: () => void): void {
    const { disk, log } = this.#settings.ports;
    const { folder } = this.#settings;
    disk.list(folder, (listed) => {
      const ids = listed.ok ? listed.value.flatMap(({ name }) => FILE.exec(name)?.[1] ?? []).toSorted() : [];
      const load = (id: string, next: Done<void, never>): void =>
        disk.readFile(this.#path(id), MAGNET_RECORD_BYTES_MAX, (bytes) => {
          const record = bytes.ok ? decodeMagnetRecord(bytes.value) : null;
          const magnet = record === null ? null : readMagnet(record.link);
          if (record === null || magnet?.ok !== true) log.error({ magnet: id }, 'A magnet link could not be taken up again');
          else this.#takeUp(id, magnet.value, record);
          next(ok(undefined));
        });
      each(ids.slice(0, MAGNETS_MAX), load, () => done());
    });
  }

  stop(): void {
    for (const magnet of this.#magnets.values()) magnet.close();
    this.#magnets.clear();
  }

  #takeUp(id: string, magnet: Magnet, record: MagnetRecord): void {
    // The process ended between the beginning of the transfer and the end of the link.
    if (this.#settings.held(magnet)) this.#settings.ports.disk.remove(this.#path(id), () => {});
    else this.#magnets.set(id, new PendingMagnet(this.#setting, magnet, record, null));
  }

  #drop(magnet: PendingMagnet, done: Done<void, Failure>): void {
    magnet.close();
    this.#magnets.delete(magnet.id);
    this.#settings.ports.disk.remove(this.#path(magnet.id), done);
  }

  #save(id: string, record: MagnetRecord, done: Done<void, Failure>): void {
    // The link may hold passkeys of its trackers.
    this.#settings.ports.disk.writeFile(this.#path(id), encodeMagnetRecord(record), { secret: true }, done);
  }

  #path(id: string): string {
    return joinPath(this.#settings.folder, `${id}.magnet.json`);
  }
}
