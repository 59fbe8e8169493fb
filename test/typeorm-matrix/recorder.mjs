import { AsyncLocalStorage } from 'node:async_hooks';

/** Records which public methods the matrix itself calls; what TypeORM calls meanwhile is its own. */
export class Recorder {
  /** The titles of the methods called. */
  called = new Set();
  #inside = new AsyncLocalStorage();
  #undo = [];

  /** @param {import('./public-methods.mjs').PublicMethod[]} methods */
  constructor(methods) {
    const [inside, called] = [this.#inside, this.called];
    for (const { title, name, owner } of methods) {
      const descriptor = Object.getOwnPropertyDescriptor(owner, name);
      const method = descriptor.value;
      const recorded = function (...args) {
        if (inside.getStore() === true) return method.apply(this, args);
        if (inside.getStore() === false) called.add(title);
        return inside.run(true, () => method.apply(this, args));
      };
      Object.defineProperty(owner, name, { ...descriptor, value: recorded });
      this.#undo.push(() => Object.defineProperty(owner, name, descriptor));
    }
  }

  /** Records while this runs. */
  record(work) {
    return this.#inside.run(false, work);
  }

  end() {
    for (const undo of this.#undo) undo();
  }
}
