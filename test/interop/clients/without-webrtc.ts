/**
 * Lets the packages of npm load without their part for browsers: it wants a native module whose binary no package carries,
 * and peers over TCP and trackers over HTTP and UDP do without it.
 */
import { registerHooks } from 'node:module';

const names = ['RTCPeerConnection', 'RTCSessionDescription', 'RTCIceCandidate'];
const source = `class Missing {}; export { ${names.map((name) => `Missing as ${name}`).join(', ')} }; export default {};`;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'webrtc-polyfill' || specifier.startsWith('node-datachannel')
      ? { shortCircuit: true, url: `data:text/javascript,${encodeURIComponent(source)}` }
      : next(specifier, context),
});
