import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.websocket.api.WebSocketAdapter;
import org.eclipse.jetty.websocket.servlet.WebSocketServlet;
import org.eclipse.jetty.websocket.servlet.WebSocketServletFactory;

/** Echo server on Jetty 9, by its own API. Usage: java JettyEcho PORT */
public class JettyEcho {
    private static final int LIMIT = 64 << 20;

    public static class Echo extends WebSocketAdapter {
        @Override
        public void onWebSocketText(String message) {
            try {
                getRemote().sendString(message);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void onWebSocketBinary(byte[] payload, int offset, int length) {
            try {
                getRemote().sendBytes(ByteBuffer.wrap(payload, offset, length));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void onWebSocketError(Throwable cause) {
            // the connection is over; the default logs it
        }
    }

    public static class Servlet extends WebSocketServlet {
        @Override
        public void configure(WebSocketServletFactory factory) {
            factory.getPolicy().setMaxTextMessageSize(LIMIT); // default: 64 KiB
            factory.getPolicy().setMaxBinaryMessageSize(LIMIT);
            factory.register(Echo.class);
        }
    }

    public static void main(String[] args) throws Exception {
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        connector.setPort(Integer.parseInt(args[0]));
        server.addConnector(connector);
        ServletContextHandler context = new ServletContextHandler();
        context.addServlet(Servlet.class, "/");
        server.setHandler(context);
        server.start();
        server.join();
    }
}
