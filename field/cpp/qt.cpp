// Echo server on Qt WebSockets, over Qt's event loop. Usage: qt PORT
#include <QtCore/QCoreApplication>
#include <QtWebSockets/QWebSocket>
#include <QtWebSockets/QWebSocketServer>

int main(int argc, char **argv)
{
    QCoreApplication app(argc, argv);
    QWebSocketServer server("echo", QWebSocketServer::NonSecureMode);
    server.setMaxPendingConnections(1000); // default: 30
    if (!server.listen(QHostAddress::LocalHost, app.arguments().value(1).toUShort()))
        return 1;

    QObject::connect(&server, &QWebSocketServer::newConnection, [&server] {
        while (QWebSocket *socket = server.nextPendingConnection()) {
            // Text comes as UTF-16. Messages and frames may have 2 GiB.
            QObject::connect(socket, &QWebSocket::textMessageReceived, socket, &QWebSocket::sendTextMessage);
            QObject::connect(socket, &QWebSocket::binaryMessageReceived, socket, &QWebSocket::sendBinaryMessage);
            QObject::connect(socket, &QWebSocket::disconnected, socket, &QObject::deleteLater);
        }
    });
    return app.exec();
}
