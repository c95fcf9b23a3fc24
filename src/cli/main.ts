/** The command `shoal`. */
import { EXIT } from './exit.ts';
import { endWithLauncher } from './launcher-pipe.ts';
import { runCommandLine } from './run.ts';

// A reader that has had enough (`shoal search | head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.io));

endWithLauncher();
process.exitCode = await runCommandLine(process.argv.slice(2));
