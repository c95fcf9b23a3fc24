/** R9: a voter that lost its state neither votes nor answers before it has heard enough others. */
import type { ControlFrame } from '../../src/protocol/control/messages.ts';
import type { ProcessName } from '../plan/types.ts';
import type { MakeChecker } from './checker.ts';
import { modelOf } from './cluster-model.ts';
import { violated } from './invariants.ts';
import { voterOf } from './voters.ts';

/** What only a voter with a state may say. */
const speaksAsVoter = (frame: ControlFrame, voter: string): boolean => {
  if (frame.kind === 'promise' || frame.kind === 'accepted') return true;
  if (frame.kind === 'preVoteReply') return frame.refused === null;
  return frame.kind === 'voterState' && frame.voter === voter;
};

export const rejoinsFirst: MakeChecker = (run) => {
  const name = 'R9';
  const { voters } = modelOf(run);
  const needed = voters.names.length - voters.majority + 1;
  const robbed = new Set<ProcessName>();
  /** Voters without a state, and who has told them theirs in this start. */
  const without = new Map<ProcessName, Set<string>>();
  return {
    name,
    demands: 'A voter that lost its state says nothing as a voter before it has heard the states of N - M + 1 others.',
    started(process) {
      without.delete(process);
      if (robbed.delete(process) && voters.names.includes(voterOf(process)) && voters.record(voterOf(process)) === null)
        without.set(process, new Set());
    },
    stopped(process, how) {
      // Whatever comes of this start, it begins with nothing again.
      if (how === 'forget' || without.has(process)) robbed.add(process);
    },
    received(process, _from, _link, frame) {
      if (frame.kind === 'voterState' && frame.voter !== voterOf(process)) without.get(process)?.add(frame.voter);
    },
    sent(process, to, _link, frame) {
      const told = without.get(process);
      if (told === undefined || told.size >= needed || !speaksAsVoter(frame, voterOf(process))) return;
      violated(
        name,
        `${process}, which lost its state, sends ${frame.kind} to ${to} after it heard ${told.size} of the ${needed} others that it needs`,
      );
    },
  };
};
