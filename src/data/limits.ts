/** Limits of the data plane that are no matter of configuration. */
export const dataLimits = {
  /** What own nodes agree on; ordinary clients take 16 KiB. */
  blockBytesMax: 128 * 1024,
  dialTimeoutMs: 10_000,
  handshakeTimeoutMs: 15_000,
  /** From the dial or the accept until a peer has said what it has. */
  firstMessageTimeoutMs: 30_000,
  keepAliveMs: 90_000,
  /** Silence after which a peer is dropped. */
  inactivityMs: 240_000,
  /** How often a peer's deadlines are looked at. */
  tickMs: 1_000,
  /** Pieces that have come are told to the peers after so long at most, several at once. */
  haveDelayMs: 50,
  /** Requests of one peer that wait; more are rejected. */
  requestsPerPeerMax: 512,
  /** Requests that we have under way at one peer, whatever it allows. */
  requestsUnderWayMax: 512,
  /** Read at once for one peer: a run of blocks that follow each other. */
  uploadRunBytesMax: 512 * 1024,
  /** Bytes that wait in a connection; a peer that lets more come together is dropped. */
  sendQueueBytesMax: 16 * 1024 * 1024,
  /** Names of sources that a transfer keeps count of. */
  sourcesMax: 1_024,
  /** Reads for uploads under way in the whole node. */
  uploadReadsMax: 8,
  dialsUnderWayMax: 16,
  /** One host may hold half of a node's connections, and so many in any case. */
  connectionsPerHostMin: 8,
  /** Addresses of peers that a transfer remembers. */
  candidatesMax: 512,
  /** Names of banned peers that a transfer remembers. */
  bannedMax: 1_024,
  /** A peer that could not be reached is tried again after this, doubled each time up to the maximum. */
  redialMs: 5_000,
  redialMsMax: 300_000,
  /** The longest info dictionary that is fetched from peers (BEP 9). */
  metadataBytesMax: 8 * 1024 * 1024,
  /** Requests for metadata or hashes that one peer owes at once. */
  metadataRequestsMax: 4,
  /** After so long without an answer somebody else is asked for it. */
  metadataTimeoutMs: 10_000,
  /** Peers that a fetch of metadata has at once. */
  metadataPeersMax: 24,
  /** A peer that has nothing that the fetch lacks is let go after this, to make room. */
  metadataIdleMs: 30_000,
  /** A hybrid torrent is taken without its piece layers when nobody has given any for so long. */
  layersGraceMs: 15_000,
  /** Requests for hashes of blocks that wait, in a transfer and of one peer; more are rejected. */
  blockHashesWaitingMax: 32,
  blockHashesPerPeerMax: 8,
  /** Hashes that a transfer calculates in a second to prove others to peers; about 50 ms of it. */
  proofHashesPerSecondMax: 50_000,
  /** Between two of them: each reads and hashes a piece. */
  blockHashesPauseMs: 100,
  /** Between two messages of the peer exchange to the same peer (BEP 11). */
  pexIntervalMs: 60_000,
  /** Addresses that are taken from one such message. */
  pexLearnedMax: 50,
  /** Super-seeding: how long a piece that a peer has may stay unseen at others before it is offered the next. */
  offerPatienceMs: 30_000,
  openFilesMax: 128,
  /** A file is looked at again (size, time, identity) when it is read this long after the last look. */
  fileCheckMs: 2_000,
  /** Pieces are synced and journalled after this time or so many bytes, whichever comes first. */
  syncMs: 2_000,
  syncBytes: 64 * 1024 * 1024,
  /** Pieces that are read and hashed at once in a check. */
  checksUnderWayMax: 4,
} as const;
