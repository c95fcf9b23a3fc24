/** What members ask about the ordinary clients that they use, and what was transferred. */

/** A passkey of an account, without the passkey itself. */
export interface PasskeySummary {
  /** Names it, beside its device: 12 hex digits. */
  readonly id: string;
  readonly device: string;
  readonly createdMs: number;
  /** Null: the device's own. Otherwise another took its place, and it ends then. */
  readonly expiresMs: number | null;
}

/** What an account has transferred of one content, as clients announced it: counted once, by however many ways. */
export interface ContentStatistics {
  /** '' for contents of long ago, taken together. */
  readonly content: string;
  /** Null where the catalog does not have it any more. */
  readonly name: string | null;
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  /** Downloads to the end: 0 or 1, more for contents of long ago. */
  readonly completed: number;
  readonly lastMs: number;
}

export interface AccountStatistics {
  readonly account: string;
  /** Of all contents together, those of other pages too. */
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  readonly completed: number;
  readonly total: number;
  /** Those transferred last first. */
  readonly contents: readonly ContentStatistics[];
}
