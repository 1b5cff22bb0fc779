import jakarta.servlet.http.HttpServlet;
import jakarta.websocket.OnError;
import jakarta.websocket.OnMessage;
import jakarta.websocket.OnOpen;
import jakarta.websocket.Session;
import jakarta.websocket.server.ServerEndpoint;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.Set;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.websocket.server.WsSci;

/** Echo server on Tomcat 10, embedded, by the API of Jakarta WebSocket. Usage: java TomcatEcho PORT */
public class TomcatEcho {
    /** Tomcat allocates buffers of this size for each connection, before anything comes. */
    private static final int LIMIT = 16 << 20;

    @ServerEndpoint("/")
    public static class Echo {
        @OnMessage
        public void text(Session session, String message) throws IOException {
            session.getBasicRemote().sendText(message);
        }

        @OnMessage
        public void binary(Session session, ByteBuffer message) throws IOException {
            session.getBasicRemote().sendBinary(message);
        }

        @OnError
        public void error(Throwable cause) {
            // the connection is over; the default logs it
        }
    }

    public static void main(String[] args) throws Exception {
        File base = Files.createTempDirectory("tomcat").toFile();
        base.deleteOnExit();
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(base.getPath());
        tomcat.setPort(Integer.parseInt(args[0]));
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        Context context = tomcat.addContext("", base.getPath());
        // An upgrade is found by a filter, and there is none without a servlet.
        Tomcat.addServlet(context, "default", new HttpServlet() {});
        context.addServletMappingDecoded("/", "default");
        context.addParameter("org.apache.tomcat.websocket.textBufferSize", String.valueOf(LIMIT)); // default: 8 KiB
        context.addParameter("org.apache.tomcat.websocket.binaryBufferSize", String.valueOf(LIMIT));
        context.addServletContainerInitializer(new WsSci(), Set.of(Echo.class));
        tomcat.start();
        tomcat.getServer().await();
    }
}
