package dev.onhook.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.onhook.client.testing.FakeGateway;
import dev.onhook.client.testing.Settlement;
import dev.onhook.client.testing.TestEvents;
import io.grpc.Status;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the README shows compiles, and its consumer consumes. */
class ReadmeTest {
  private static final Pattern BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  private static final Pattern IMPORT = Pattern.compile("^import .*;\n", Pattern.MULTILINE);

  @TempDir private Path classes;

  private static List<String> blocks() throws Exception {
    Matcher found = BLOCK.matcher(Files.readString(Path.of(System.getProperty("onhook.readme"))));
    List<String> blocks = new ArrayList<>();
    while (found.find()) {
      blocks.add(found.group(1));
    }
    return blocks;
  }

  private void compile(String name, String source) throws Exception {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter complaints = new StringWriter();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
      boolean compiled =
          compiler
              .getTask(
                  complaints,
                  files,
                  null,
                  List.of("-d", classes.toString(), "-cp", System.getProperty("java.class.path")),
                  null,
                  List.of(new Source(name, source)))
              .call();
      assertTrue(compiled, complaints + "\n" + source);
    }
  }

  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(String name, String text) {
      super(URI.create("string:///" + name + ".java"), Kind.SOURCE);
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }

  @Test
  void theConsumerOfTheFirstLinesConsumes() throws Exception {
    compile("Consumer", blocks().get(0));
    try (FakeGateway gateway = FakeGateway.start();
        URLClassLoader loader =
            new URLClassLoader(new URL[] {classes.toUri().toURL()}, getClass().getClassLoader())) {
      Method main = loader.loadClass("Consumer").getMethod("main", String[].class);
      CompletableFuture<Throwable> ended =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  main.invoke(null, (Object) new String[] {gateway.address()});
                  return null;
                } catch (InvocationTargetException e) {
                  return e.getCause();
                } catch (ReflectiveOperationException e) {
                  return e;
                }
              });
      gateway.publish(TestEvents.ofCall("call-1"));
      assertEquals(Settlement.Action.ACK, gateway.awaitSettled(1).get(0).settlement().action());
      gateway.endStreams(Status.NOT_FOUND.withDescription("the subscription was deleted"));
      assertEquals("the subscription was deleted", ended.get(10, TimeUnit.SECONDS).getMessage());
    }
  }

  @Test
  void theOtherExamplesCompile() throws Exception {
    List<String> blocks = blocks();
    assertTrue(blocks.size() > 1);
    for (int i = 1; i < blocks.size(); ++i) {
      compile("Example" + i, inClass("Example" + i, blocks.get(i)));
    }
  }

  /**
   * Examples after the first are statements, behind imports if any, with what they take for granted
   * given here.
   */
  private static String inClass(String name, String example) {
    String statements = IMPORT.matcher(example).replaceAll("");
    return String.join("", IMPORT.matcher(example).results().map(MatchResult::group).toList())
        + "import dev.onhook.client.*;\n"
        + "import dev.onhook.client.testing.*;\n"
        + "import java.nio.file.Path;\n"
        + "import java.time.*;\n"
        + "import java.util.*;\n"
        + "final class "
        + name
        + " {\n"
        + "  static void save(Object what) {}\n"
        + "  static void fetch(Object what) throws java.io.IOException {}\n"
        + "  void run(OnhookClient client, DeliveryHandler handler) throws Exception {\n"
        + statements
        + "  }\n}\n";
  }
}
