/** `up`: a whole network on this machine, and a tour of it. */
import type { Command } from 'commander';
import { addCommand, type Ending } from '../command.ts';
import { EXIT } from '../exit.ts';

interface UpOptions {
  readonly once?: boolean;
  readonly dir?: string;
}

export const upCommand = (program: Command, ending: Ending): void => {
  addCommand<[string | undefined], UpOptions>(program, ending, {
    usage: 'up [path]',
    about: 'bring up a whole network on this machine and take a tour of it',
    examples: ['shoal up', 'shoal up ~/Videos/talk.mp4', 'shoal up --once'],
    exits: [EXIT.noInput, EXIT.unavailable, EXIT.cannotCreate, EXIT.io, EXIT.permission, EXIT.interrupted],
    setup: (command) =>
      command
        .option('--once', 'leave after the tour: with status 0, or 1 if a step failed')
        .option('--dir <dir>', 'where its state lives (default: ./.shoal)'),
    run: async (context, [path], options) => {
      const { runTour } = await import('../up/tour.ts');
      return runTour(context, { path: path ?? null, once: options.once === true, folder: options.dir ?? '.shoal' });
    },
  });
};
