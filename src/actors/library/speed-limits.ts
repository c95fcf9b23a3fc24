/** The limits of rate of the whole node: as configured, as its user has set them since, and by the time of day. */
import type { NodeConfig } from '../../config/types.ts';
import type { RateGate } from '../../data/rate-gate.ts';
import { millis, type TimerId } from '../../ports/clock.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Done } from '../../protocol/result.ts';
import { localMinute, scheduledAt, untilNextMinuteMs } from '../../domain/transfer/schedule.ts';
import { type ScheduleEntry } from '../../protocol/terms.ts';

/** Bytes a second; 0 for no limit. */
export interface Rates {
  readonly uploadRate: number;
  readonly downloadRate: number;
}

const FILE_BYTES_MAX = 4_096;
const isRate = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;

export class SpeedLimits {
  readonly #ports: Pick<Ports, 'clock' | 'disk' | 'log' | 'zone'>;
  readonly #path: string;
  readonly #up: RateGate;
  readonly #down: RateGate;
  readonly #schedule: readonly ScheduleEntry[];
  #usual: Rates;
  #scheduled: ScheduleEntry | null = null;
  #timer: TimerId | null = null;

  /** `path`: where what the user sets is kept across restarts. */
  constructor(
    ports: Pick<Ports, 'clock' | 'disk' | 'log' | 'zone'>,
    path: string,
    gates: { readonly up: RateGate; readonly down: RateGate },
    config: Pick<NodeConfig, 'limits' | 'schedule'>,
  ) {
    this.#ports = ports;
    this.#path = path;
    this.#up = gates.up;
    this.#down = gates.down;
    this.#schedule = config.schedule;
    this.#usual = { uploadRate: config.limits.uploadRate, downloadRate: config.limits.downloadRate };
  }

  /** Takes up what was set before, and follows the schedule from now on. */
  start(done: () => void): void {
    this.#ports.disk.readFile(this.#path, FILE_BYTES_MAX, (read) => {
      if (read.ok) this.#take(read.value);
      this.#look();
      done();
    });
  }

  stop(): void {
    if (this.#timer !== null) this.#ports.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  /** Those of times without a schedule. */
  get usual(): Rates {
    return this.#usual;
  }

  /** The entry of the schedule that is in force; null where none is. */
  get scheduled(): ScheduleEntry | null {
    return this.#scheduled;
  }

  /** Those that hold now. */
  get now(): Rates {
    return {
      uploadRate: this.#scheduled?.uploadRate ?? this.#usual.uploadRate,
      downloadRate: this.#scheduled?.downloadRate ?? this.#usual.downloadRate,
    };
  }

  /** Holds at once where no schedule does, and after a restart. Errors: the disk's; it holds until then all the same. */
  set(usual: Rates, done: Done<void>): void {
    this.#usual = usual;
    this.#apply();
    this.#ports.disk.writeFile(this.#path, Buffer.from(JSON.stringify(usual)), {}, done);
  }

  #take(bytes: Uint8Array): void {
    try {
      const { uploadRate, downloadRate } = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>;
      if (isRate(uploadRate) && isRate(downloadRate)) this.#usual = { uploadRate, downloadRate };
    } catch {
      this.#ports.log.warn({ path: this.#path }, 'The limits that were set before cannot be read; those of the configuration hold');
    }
  }

  #look(): void {
    const { clock, log, zone } = this.#ports;
    const wallMs = clock.wallNow();
    const entry = scheduledAt(this.#schedule, localMinute(wallMs, zone.offsetMinutes(wallMs)));
    const changed = entry !== this.#scheduled;
    this.#scheduled = entry;
    this.#apply();
    if (changed) log.info(this.now, entry === null ? 'The usual limits of rate hold again' : 'Limits of rate by the schedule');
    if (this.#schedule.length > 0) this.#timer = clock.setTimer(millis(untilNextMinuteMs(wallMs)), () => this.#look());
  }

  #apply(): void {
    this.#up.setRate(this.now.uploadRate);
    this.#down.setRate(this.now.downloadRate);
  }
}
