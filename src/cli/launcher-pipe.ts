/** A launcher of another Node (`bin/shoal.js`) passes signals on, but none where it is killed itself: its end of a pipe says so. */
import { constants } from 'node:os';
import { Socket } from 'node:net';

const ENV = 'SHOAL_LAUNCHER_FD';

/** Ends this process with its launcher, as SIGTERM does: cleanly, where the command knows how. */
export const endWithLauncher = (): void => {
  const fd = Number(process.env[ENV] ?? Number.NaN);
  // The processes that this one starts have no such pipe.
  delete process.env[ENV];
  if (!Number.isInteger(fd) || fd < 3) return;
  let pipe: Socket;
  try {
    pipe = new Socket({ fd, readable: true, writable: false });
  } catch {
    return;
  }
  pipe.on('error', () => {});
  pipe.once('close', () => {
    if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(128 + constants.signals.SIGTERM);
  });
  pipe.resume().unref();
};
