/** Every checker of a run. */
import { rejoinsFirst } from './amnesia.ts';
import type { MakeChecker } from './checker.ts';
import { asIfInOrder, sessionsNeverUnsee } from './clients.ts';
import { announcesBeside, asDurableAsSaid, nothingAckedIsCut, promisedFirst } from './copies.ts';
import { completeIsIdentical, stoppedStaysAway, tablesHaveAnEnd, takenIsTrue, watchContents } from './data-plane.ts';
import {
  ackedIsKept,
  doneOnce,
  noLateAcks,
  oneHistory,
  onePrimaryAnEpoch,
  votersKeepTheirWord,
  watchCluster,
  whoMayLeadHasAll,
} from './invariants.ts';
import { electionsEnd, syncWhenReachable, viewIsTrue, writesResume } from './liveness.ts';
import { progressAfterHealing } from './progress.ts';
import { refusedForCause } from './guests.ts';
import { passkeysInOrder } from './passkeys.ts';
import { epochsOnlyRise } from './proxies.ts';
import { highWaterIsCarried, maybeIsNotNo, servesWhatItApplied } from './requests.ts';
import {
  distrustsItself,
  handsOverEverything,
  onePromiseAnEpoch,
  onlyWhatIsChosen,
  promiseEndsPrimary,
  readsAskMajority,
  routesToTheNewest,
} from './rules.ts';
import { overriddenIsKept, sameStateFromSameLog } from './state.ts';
import { countedOnce } from './tally.ts';

/** In the order in which they see each fact; the first one feeds the model that the next ones look at. */
export const allCheckers: readonly MakeChecker[] = [
  watchCluster,
  onePrimaryAnEpoch,
  votersKeepTheirWord,
  ackedIsKept,
  noLateAcks,
  whoMayLeadHasAll,
  oneHistory,
  doneOnce,
  asIfInOrder,
  passkeysInOrder,
  refusedForCause,
  sessionsNeverUnsee,
  promisedFirst,
  asDurableAsSaid,
  epochsOnlyRise,
  nothingAckedIsCut,
  announcesBeside,
  progressAfterHealing,
  syncWhenReachable,
  viewIsTrue,
  writesResume,
  electionsEnd,
  onePromiseAnEpoch,
  rejoinsFirst,
  onlyWhatIsChosen,
  promiseEndsPrimary,
  readsAskMajority,
  distrustsItself,
  handsOverEverything,
  routesToTheNewest,
  servesWhatItApplied,
  maybeIsNotNo,
  highWaterIsCarried,
  overriddenIsKept,
  watchContents,
  completeIsIdentical,
  takenIsTrue,
  stoppedStaysAway,
  tablesHaveAnEnd,
  sameStateFromSameLog,
  countedOnce,
];
