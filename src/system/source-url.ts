/**
 * The URL of a module of ours, by its path without extension, relative to the asking module (`import.meta.url`). The
 * program runs as TypeScript from its sources and as JavaScript from `dist`; the emit rewrites imports, not URLs.
 */
export const moduleUrl = (pathWithoutExtension: string, importer: string): URL =>
  new URL(`${pathWithoutExtension}${importer.endsWith('.ts') ? '.ts' : '.js'}`, importer);
