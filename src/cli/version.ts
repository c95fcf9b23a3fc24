export { version } from '../system/version.ts';
