import { foldName } from '../../domain/accounts/names.ts';
import type { LedgerTransactions } from '../../domain/ledger/types.ts';
import { clientName } from '../../domain/swarm/client-name.ts';
import { GUEST_INTERVAL_SECONDS, guestId, UNKNOWN_LEFT_BYTES } from '../../domain/swarm/guests.ts';
import { guestInterval } from '../../domain/swarm/interval.ts';
import { type TallyFacts, tallySource } from '../../domain/swarm/tally.ts';
import { type Clock, millis } from '../../ports/clock.ts';
import type { Database } from '../../ports/database.ts';
import type { Random } from '../../ports/random.ts';
import { GUEST_PEERS_MAX } from '../../protocol/control/limits.ts';
import type {
  GuestAnnouncedFrame,
  GuestAnnounceFrame,
  GuestCounts,
  GuestRefusal,
  GuestScrapedFrame,
  GuestScrapeFrame,
} from '../../protocol/control/messages.ts';
import type { Swarm } from '../swarm/swarm.ts';
import { ContentIndex } from './content-index.ts';
import type { PasskeyBook } from './passkey-book.ts';
import type { ReplicaFace } from './types.ts';

export interface GuestDeskDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly database: Pick<Database<LedgerTransactions>, 'run'>;
  readonly replica: Pick<ReplicaFace, 'readIndex'>;
  readonly swarm: Pick<Swarm, 'registry' | 'phase'>;
  readonly passkeys: Pick<PasskeyBook, 'passkeyOf'>;
  readonly settings: { readonly announce?: { readonly passkeys: 'required' | 'open'; readonly intervalSeconds: number } };
  /** What was transferred is counted. */
  readonly count: (facts: TallyFacts) => void;
  /** How often a content was downloaded to its end. */
  readonly completedOf: (content: string) => number;
}

type Outcome = GuestAnnouncedFrame['outcome'];
type Failed = Extract<Outcome, { kind: 'refused' | 'later' }>;
type Found<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: GuestRefusal } | null;

const LATER: Failed = { kind: 'later' };

/**
 * Where a replica receives clients of other makes, through the gates of the proxies: from the passkey to the account, from
 * the info-hash to the content, from both to a swarm. It refuses only what is so by the newest there is (R10): a content
 * that was shared, or a passkey that was made, a moment ago is known, and a replica that cannot tell says so.
 */
export class GuestDesk {
  readonly #deps: GuestDeskDeps;
  readonly #contents: ContentIndex;

  constructor(deps: GuestDeskDeps) {
    this.#deps = deps;
    this.#contents = new ContentIndex(deps.clock, deps.database);
  }

  /** Takes an announce in; `reply` is called once, in this step or a later one, and never for a replay. */
  announce(frame: GuestAnnounceFrame, proxy: string, reply: (frame: GuestAnnouncedFrame) => void): void {
    const heardAt = this.#deps.clock.now() - millis(frame.silentMs);
    const done = (outcome: Outcome): void => {
      if (!frame.replay) reply({ kind: 'guestAnnounced', nonce: frame.nonce, outcome });
    };
    this.#account(frame.passkeyHash, done, (account) =>
      this.#content(frame.infoHash, done, (content) => done(this.#take(frame, proxy, account, content, heardAt))),
    );
  }

  scrape(frame: GuestScrapeFrame, reply: (frame: GuestScrapedFrame) => void): void {
    const done = (outcome: GuestScrapedFrame['outcome']): void => reply({ kind: 'guestScraped', nonce: frame.nonce, outcome });
    this.#account(frame.passkeyHash, done, () => {
      const swarms: GuestCounts[] = frame.infoHashes.map(() => null);
      let left = swarms.length;
      if (left === 0) return done({ kind: 'counts', swarms });
      for (const [place, hash] of frame.infoHashes.entries())
        this.#contents.find(hash, (content) => {
          if (content !== null && content !== 'unknown') swarms[place] = this.#counts(content);
          left -= 1;
          if (left === 0) done({ kind: 'counts', swarms });
        });
    });
  }

  /** Entries were applied that may have changed the passkeys of these accounts (folded): guests whose passkey is none any more go. */
  passkeysChanged(keysOf: readonly string[] | 'all'): void {
    const { passkeys, swarm } = this.#deps;
    const folded = keysOf === 'all' ? null : new Set(keysOf);
    if (folded?.size === 0) return;
    for (const [passkeyHash, account] of swarm.registry.guests.passkeys()) {
      if (folded !== null && !folded.has(foldName(account))) continue;
      passkeys.passkeyOf(passkeyHash, (holder) => {
        if (!holder.ok && holder.error.code !== 'unavailable') swarm.registry.guests.removeOf(passkeyHash);
      });
    }
  }

  #take(frame: GuestAnnounceFrame, proxy: string, account: string, content: string, heardAt: number): Outcome {
    const { clock, random, swarm, settings } = this.#deps;
    const { peerId, host, port, event, infoHash, uploadedBytes, downloadedBytes, replay } = frame;
    const leftBytes = frame.leftBytes ?? UNKNOWN_LEFT_BYTES;
    const said = {
      node: guestId({ account, peerId, host }),
      peerId,
      passkeyHash: frame.passkeyHash ?? '',
      account,
      name: clientName(peerId),
      proxy,
      host,
      port,
      content,
      event,
      leftBytes,
      uploadedBytes,
      want: replay ? 0 : Math.min(frame.want, GUEST_PEERS_MAX),
      family: frame.family,
      heardAt,
    };
    const { peers, ...counts } = swarm.registry.guests.announce(said, clock.now());
    if (account !== '')
      this.#deps.count({
        account,
        content,
        // Not the key: a client may write it otherwise over UDP than over HTTP, and would count twice.
        source: tallySource('guest', peerId),
        path: `${infoHash} ${host}`,
        sequence: null,
        event,
        replay,
        leftBytes: frame.leftBytes,
        uploadedBytes,
        downloadedBytes,
      });
    const lonely = said.want > 0 && leftBytes > 0 && event !== 'stopped' && peers.length === 0;
    const warming = swarm.phase !== 'warm';
    const interval = guestInterval(settings.announce?.intervalSeconds ?? GUEST_INTERVAL_SECONDS, { warming, lonely }, random);
    return { kind: 'peers', ...interval, ...counts, completed: this.#deps.completedOf(content), peers };
  }

  #counts(content: string): NonNullable<GuestCounts> {
    return { ...this.#deps.swarm.registry.swarmOf(content), completed: this.#deps.completedOf(content) };
  }

  /** The account behind a passkey; '' where the network is open and there is none. */
  #account(passkeyHash: string | null, failed: (outcome: Failed) => void, then: (account: string) => void): void {
    if (passkeyHash === null) {
      if (this.#deps.settings.announce?.passkeys === 'open') return then('');
      return failed({ kind: 'refused', why: 'closed' });
    }
    const ask = (found: (account: Found<string>) => void): void =>
      this.#deps.passkeys.passkeyOf(passkeyHash, (holder) => {
        if (holder.ok) return found({ ok: true, value: holder.value.account });
        const { code } = holder.error;
        found(code === 'unavailable' ? null : { ok: false, why: code === 'disabled' ? 'disabled' : 'passkey' });
      });
    this.#surely(ask, then, (outcome) => {
      if (outcome.kind === 'refused') this.#deps.swarm.registry.guests.removeOf(passkeyHash);
      failed(outcome);
    });
  }

  #content(infoHash: string, failed: (outcome: Failed) => void, then: (content: string) => void): void {
    const ask = (found: (content: Found<string>) => void): void =>
      this.#contents.find(infoHash, (content) =>
        found(content === 'unknown' ? null : content === null ? { ok: false, why: 'unregistered' } : { ok: true, value: content }),
      );
    this.#surely(ask, then, failed);
  }

  /** What is not there is looked for again in the newest state there is, before anybody is refused. */
  #surely<T>(ask: (found: (answer: Found<T>) => void) => void, then: (value: T) => void, failed: (outcome: Failed) => void): void {
    ask((first) => {
      if (first === null) return failed(LATER);
      if (first.ok) return then(first.value);
      this.#deps.replica.readIndex((newest) => {
        if (!newest.ok) return failed(LATER);
        ask((second) => {
          if (second === null) failed(LATER);
          else if (second.ok) then(second.value);
          else failed({ kind: 'refused', why: second.why });
        });
      });
    });
  }
}
