/** Jobs that run a few at a time; others wait in order, up to a limit. A job calls `finished` once. */
export class BoundedQueue {
  readonly #underWayMax: number;
  readonly #waitingMax: number;
  readonly #waiting: ((finished: () => void) => void)[] = [];
  #underWay = 0;

  constructor(underWayMax: number, waitingMax: number) {
    this.#underWayMax = underWayMax;
    this.#waitingMax = waitingMax;
  }

  /** False when it is full: the job will not run. */
  add(job: (finished: () => void) => void): boolean {
    if (this.#underWay < this.#underWayMax) this.#begin(job);
    else if (this.#waiting.length < this.#waitingMax) this.#waiting.push(job);
    else return false;
    return true;
  }

  #begin(job: (finished: () => void) => void): void {
    this.#underWay++;
    job(() => {
      this.#underWay--;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#begin(next);
    });
  }
}
