"""A libtorrent session that takes its orders as lines of JSON, for the tests of Shoal.

Arguments: address to listen at, port. Orders: {"id", "call": "add" | "progress" | "alerts" | "make" | "stop", ...}.
Answers: {"id", "ok"} or {"id", "error"}. What it hears meanwhile it writes as lines that begin with "alert ".
"""
import base64, json, os, select, sys
import libtorrent as lt

host, port = sys.argv[1:3]
session = lt.session({
    'listen_interfaces': '%s:%s' % (host, port), 'outgoing_interfaces': host,
    'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False,
    'enable_outgoing_utp': False, 'enable_incoming_utp': False,
    'in_enc_policy': int(lt.enc_policy.enabled), 'out_enc_policy': int(lt.enc_policy.disabled),
    'min_reconnect_time': 1, 'peer_connect_timeout': 5, 'min_announce_interval': 1,
    'tracker_completion_timeout': 10, 'tracker_receive_timeout': 8, 'announce_to_all_trackers': False,
    'alert_mask': int(lt.alert.category_t.status_notification | lt.alert.category_t.error_notification
                      | lt.alert.category_t.tracker_notification),
})
if len(sys.argv) > 3:
    session.apply_settings(json.loads(sys.argv[3]))
torrents = {}


def say(text):
    sys.stdout.write(text + '\n')
    sys.stdout.flush()


def hashes(info_hashes):
    return {
        'v1': str(info_hashes.v1) if info_hashes.has_v1() else None,
        'v2': str(info_hashes.v2) if info_hashes.has_v2() else None,
    }


def add(order):
    if 'magnet' in order:
        params = lt.parse_magnet_uri(order['magnet'])
    else:
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(lt.bdecode(base64.b64decode(order['torrent'])))
    params.save_path = order['folder']
    params.flags &= ~lt.torrent_flags.auto_managed & ~lt.torrent_flags.paused
    if 'downloadRate' in order:
        params.download_limit = order['downloadRate']
    handle = session.add_torrent(params)
    for peer in order.get('peers', []):
        handle.connect_peer((peer['host'], peer['port']))
    name = str(len(torrents))
    torrents[name] = handle
    return name


def progress(order):
    handle = torrents[order['torrent']]
    status = handle.status()
    return {
        'done': bool(status.is_seeding and status.has_metadata), 'bytesHere': status.total_done, 'peers': status.num_peers,
        'error': status.errc.message() if status.errc.value() else None,
        'state': str(status.state), 'hashes': hashes(status.info_hashes),
        'trackers': [{'url': t['url'], 'verified': t['verified'], 'message': t.get('message', '')} for t in handle.trackers()],
    }


def make(order):
    """A torrent of a file or folder: version 1, 2, or hybrid."""
    files = lt.file_storage()
    lt.add_files(files, order['path'])
    flags = {'v1': lt.create_torrent.v1_only, 'v2': lt.create_torrent.v2_only, 'hybrid': 0}[order['version']]
    made = lt.create_torrent(files, piece_size=order.get('pieceLength', 0), flags=flags)
    for url in order.get('trackers', []):
        made.add_tracker(url)
    made.set_priv(order.get('private', False))
    lt.set_piece_hashes(made, os.path.dirname(order['path']))
    return base64.b64encode(lt.bencode(made.generate())).decode()


def read(order):
    info = lt.torrent_info(lt.bdecode(base64.b64decode(order['torrent'])))
    return hashes(info.info_hashes())


def remove(order):
    session.remove_torrent(torrents[order['torrent']])


def reannounce(order):
    torrents[order['torrent']].force_reannounce()


calls = {'add': add, 'progress': progress, 'make': make, 'read': read, 'reannounce': reannounce, 'remove': remove}


def main():
    say('ready libtorrent %s' % lt.__version__)
    buffered = b''
    while True:
        readable, _, _ = select.select([0], [], [], 0.2)
        for alert in session.pop_alerts():
            say('alert %s: %s' % (type(alert).__name__, alert.message().replace('\n', ' ')))
        if not readable:
            continue
        got = os.read(0, 1 << 20)
        if got == b'':
            return
        buffered += got
        *lines, buffered = buffered.split(b'\n')
        for line in lines:
            order = json.loads(line)
            try:
                say(json.dumps({'id': order['id'], 'ok': calls[order['call']](order)}))
            except Exception as error:
                say(json.dumps({'id': order['id'], 'error': str(error)}))


main()
