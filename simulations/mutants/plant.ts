/** Plants a mutant in this process: modules that are loaded from now on come with its edits. The source stays as it is. */
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { edited, editsOf, type Mutant, StaleMutant } from './mutant.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Planted {
  /** Edits in files that were not loaded (yet): they changed nothing. */
  missing(): readonly string[];
}

/** Before the first import of what it changes. Loading throws StaleMutant where a pattern does not occur exactly once. */
export const plant = (mutant: Mutant): Planted => {
  const edits = editsOf(mutant);
  const missing = new Set(edits.map(({ file }) => file));
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const file = url.startsWith('file:') ? fileURLToPath(url).slice(root.length) : '';
      const here = edits.filter((edit) => edit.file === file);
      if (here.length === 0) return loaded;
      const { source } = loaded;
      if (source === undefined || source === null) throw new StaleMutant(`Mutant ${mutant.name}: ${file} was loaded without its source`);
      const text = typeof source === 'string' ? source : new TextDecoder().decode(source);
      missing.delete(file);
      return { ...loaded, source: here.reduce((changed, edit) => edited(changed, edit, mutant.name), text) };
    },
  });
  return { missing: () => [...missing] };
};
