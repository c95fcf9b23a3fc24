import { type Micros, seconds } from '../../ports/clock.ts';
import { contentOf, ownPut, TestLedger } from '../ledger/ledger.test-kit.ts';
import type { TalliedContent } from '../ledger/types.ts';
import { Tally, type TallyFacts } from './tally.ts';

export const CONTENT = contentOf('Hà Nội').id;
export const ROWS = 2;
export const PATHS = ['v1 over IPv4', 'v2 over IPv4', 'v1 over IPv6'] as const;
/** A packet is late by less than this. */
export const LATE_SECONDS = 119;

/** A primary's tally over a ledger that outlives it, and the time. */
export class Network {
  readonly ledger = new TestLedger();
  tally = new Tally();
  now: Micros = seconds(1_000);

  constructor() {
    for (const name of ['An', 'Bình'])
      this.ledger.change({ kind: 'account.create', name, folded: name.toLowerCase(), passwordHash: 'phc', admin: false, inviteHash: null });
    this.ledger.change(ownPut('Hà Nội', 'An', 'n1'), { tail: new Uint8Array(1) });
  }

  pass(time: number): void {
    this.now += seconds(time);
  }

  get wallMs(): number {
    return 1_000_000 + this.now / 1_000;
  }

  say(facts: Partial<TallyFacts> & Pick<TallyFacts, 'uploadedBytes'>): void {
    this.tally.add(
      {
        account: 'An',
        content: CONTENT,
        source: 'client',
        path: PATHS[0],
        sequence: null,
        event: 'none',
        replay: false,
        leftBytes: 100,
        downloadedBytes: 0,
        ...facts,
      },
      this.now,
    );
  }

  /** Writes everything there is; returns how many changes that took. */
  flush(): number {
    for (let changes = 0; ; changes++) {
      const rows = this.tally.take(ROWS, this.now, this.wallMs);
      if (rows.length === 0) return changes;
      this.ledger.applied({ kind: 'tally', rows }, this.wallMs);
    }
  }

  /** Another primary, which has heard nothing; it may have read what the ledger knows. */
  failover(loaded: boolean): void {
    this.tally = new Tally();
    if (loaded) this.load();
  }

  load(): void {
    this.tally.load(this.ledger.run('tallySessions', { after: null, limit: 100 }), this.now, this.wallMs);
  }

  counted(folded = 'an'): Pick<TalliedContent, 'uploadedBytes' | 'downloadedBytes' | 'completed'> {
    const { uploadedBytes, downloadedBytes, completed } = this.ledger.run('tallies', { folded, offset: 0, limit: 10 });
    return { uploadedBytes, downloadedBytes, completed };
  }
}
