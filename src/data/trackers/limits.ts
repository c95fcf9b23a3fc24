/** What a node spends on trackers, in all its torrents together. */
export const trackerLimits = {
  /** HTTP connections at once, and to one server. */
  connectionsMax: 32,
  connectionsPerServerMax: 8,
  /** HTTP requests that wait for a connection; more fail at once and are tried again later. */
  waitingMax: 8_192,
  dialTimeoutMs: 15_000,
  /** From the dial to the last byte, each redirect anew. */
  answerTimeoutMs: 30_000,
  redirectsMax: 5,
  /** The other side is given so long to close as well. */
  lingerMs: 2_000,
  /** A server that could not be reached is not tried for another torrent so soon. */
  downMs: 15_000,
  /** Servers whose state is kept. */
  serversMax: 1_024,
  /** BEP 15: a packet is sent again after 15 s, then 30 s, then 60 s; the rest of its eight times would be hours. */
  udpFirstWaitMs: 15_000,
  udpSendsMax: 3,
  /** How long a client uses a connection id. */
  udpConnectionMs: 60_000,
  udpUnderWayPerServerMax: 64,
  udpWaitingPerServerMax: 4_096,
  /** How long the addresses of a name are used. */
  resolvedMs: 300_000,
  /** Of one reply. */
  peersMax: 500,
  /** Peers that are asked for at once. */
  wantMax: 200,
  /** Without an answer for so long, the next tracker of the tier is asked as well. */
  patienceMs: 15_000,
  /** How long the goodbye of a torrent may take. */
  goodbyeMs: 4_000,
} as const;
