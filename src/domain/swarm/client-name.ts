/** Clients by the two letters of their peer ids (BEP 20). */
const CLIENTS: Readonly<Record<string, string>> = {
  A2: 'aria2',
  AZ: 'Vuze',
  BC: 'BitComet',
  BI: 'BiglyBT',
  BT: 'BitTorrent',
  DE: 'Deluge',
  KT: 'KTorrent',
  LT: 'libtorrent',
  lt: 'rTorrent',
  PI: 'PicoTorrent',
  qB: 'qBittorrent',
  SH: 'Shoal',
  TR: 'Transmission',
  TX: 'Tixati',
  UT: 'uTorrent',
  UM: 'uTorrent Mac',
  WW: 'WebTorrent',
  WD: 'WebTorrent Desktop',
};

const AZUREUS = /^-(?<letters>[A-Za-z]{2}|A2)(?<version>[0-9A-Za-z]{4}|(?:-\d{1,2}){3})-/u;

/** The digits as a version: trailing zeros say nothing. */
const versionOf = (digits: string): string => {
  const parts = digits.includes('-') ? digits.split('-').filter((part) => part !== '') : [...digits];
  while (parts.length > 2 && (parts.at(-1) === '0' || /[A-Za-z]/u.test(parts.at(-1) ?? ''))) parts.pop();
  return parts.join('.');
};

/** What people call the client with this peer id (40 hexadecimal digits): "qBittorrent 4.5.2", or what is printable of its letters. */
export const clientName = (peerId: string): string => {
  const text = Buffer.from(peerId, 'hex').toString('latin1');
  // Its dashes are no ends of fields: "A2-1-36-0-".
  const aria = /^A2-(\d+)-(\d+)-(\d+)-/u.exec(text);
  if (aria !== null) return `aria2 ${aria.slice(1).join('.')}`;
  const found = AZUREUS.exec(text)?.groups;
  if (found === undefined) return 'BitTorrent client';
  const { letters = '', version = '' } = found;
  if (letters === 'TR') return `Transmission ${version.charAt(0)}.${version.slice(1, 3)}`;
  return `${CLIENTS[letters] ?? letters} ${versionOf(version)}`;
};
