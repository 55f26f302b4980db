"""The least that a hub takes for a single-user server: listens where it is told and answers 200. It starts in a few
milliseconds (run it with -I -S), so that a start measures the hub."""

import _socket
import os

host, _, port = os.environ["JUPYTERHUB_SERVICE_URL"].split("/")[2].partition(":")
listening = _socket.socket()
listening.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
listening.bind((host, int(port)))
listening.listen(16)
body = b'{"version": "6.1.1"}'
head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-JupyterHub-Version: 6.1.1\r\nConnection: close\r\n"
while True:
    fd, _ = listening._accept()
    connection = _socket.socket(fileno=fd)
    try:
        connection.recv(65536)
        connection.send(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        connection.shutdown(_socket.SHUT_WR)
    except OSError:
        pass
    connection.close()
