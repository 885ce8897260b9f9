import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.tinkerpop.gremlin.process.traversal.Order;
import org.apache.tinkerpop.gremlin.structure.Direction;
import org.apache.tinkerpop.gremlin.structure.Vertex;
import org.janusgraph.core.JanusGraph;
import org.janusgraph.core.JanusGraphFactory;
import org.janusgraph.core.JanusGraphTransaction;
import org.janusgraph.core.JanusGraphVertex;
import org.janusgraph.core.Multiplicity;
import org.janusgraph.core.PropertyKey;
import org.janusgraph.core.attribute.Contain;
import org.janusgraph.core.schema.JanusGraphManagement;

/**
 * JanusGraph in this process, on a Cassandra node that is there, as a good engineer loads it: a schema of its own, batch loading, new nodes first and then edges,
 * identities of nodes remembered, several transactions at once.
 *
 * Arguments: host, port, data center, keyspace, a file of events (account, title, event, time, seconds; tabs between them). It reads commands, a line each, and answers
 * each by a line: `load FROM COUNT EVENTS-A-TRANSACTION THREADS` by seconds and CPU seconds, `count` by how many edges there are. It ends with its input.
 */
class JanusGraphLoad {
  record Event(String account, String title, String event, long atMs, long seconds) {}

  /** Transactions of a thread that follow one look for new nodes. */
  private static final int TRANSACTIONS_AT_A_TIME = 4;
  private static final int LOOKUPS_AT_ONCE = 100;

  private final JanusGraph graph;
  private final List<Event> events;
  /** By key; what is here is in the graph. */
  private final Map<String, Object> vertices = new ConcurrentHashMap<>();

  JanusGraphLoad(JanusGraph graph, List<Event> events) {
    this.graph = graph;
    this.events = events;
  }

  public static void main(String[] args) throws Exception {
    JanusGraph graph =
        JanusGraphFactory.build()
            .set("storage.backend", "cql")
            .set("storage.hostname", args[0])
            .set("storage.port", Integer.parseInt(args[1]))
            .set("storage.cql.local-datacenter", args[2])
            .set("storage.cql.keyspace", args[3])
            .set("storage.cql.replication-factor", 1)
            .set("storage.cql.read-consistency-level", "LOCAL_QUORUM")
            .set("storage.cql.write-consistency-level", "LOCAL_QUORUM")
            .set("storage.cql.atomic-batch-mutate", false)
            .set("storage.batch-loading", true)
            .set("storage.buffer-size", 10_000)
            .set("ids.block-size", 1_000_000)
            .set("schema.default", "none")
            .set("cache.db-cache", false)
            .open();
    List<Event> events = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of(args[4]))) {
      String[] parts = line.split("\t");
      events.add(new Event(parts[0], parts[1], parts[2], Long.parseLong(parts[3]), Long.parseLong(parts[4])));
    }
    JanusGraphLoad load = new JanusGraphLoad(graph, events);
    load.defineSchema();
    System.out.println("ready");
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      String[] words = line.split(" ");
      System.out.println(words[0].equals("count") ? "counted " + load.count() : load.timed(words));
    }
    graph.close();
    System.exit(0);
  }

  private void defineSchema() {
    JanusGraphManagement schema = graph.openManagement();
    schema.makeVertexLabel("Account").make();
    schema.makeVertexLabel("Title").make();
    PropertyKey key = schema.makePropertyKey("key").dataType(String.class).make();
    schema.makePropertyKey("country").dataType(String.class).make();
    schema.makePropertyKey("plan").dataType(String.class).make();
    schema.makePropertyKey("event").dataType(String.class).make();
    schema.makePropertyKey("seconds").dataType(Long.class).make();
    PropertyKey at = schema.makePropertyKey("at").dataType(Long.class).make();
    schema.makeEdgeLabel("WATCHED").multiplicity(Multiplicity.MULTI).sortKey(at).sortOrder(Order.desc).make();
    schema.buildIndex("byKey", Vertex.class).addKey(key).buildCompositeIndex();
    schema.commit();
  }

  private String timed(String[] words) throws Exception {
    int from = Integer.parseInt(words[1]);
    int to = from + Integer.parseInt(words[2]);
    int size = Integer.parseInt(words[3]);
    int threads = Integer.parseInt(words[4]);
    OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    long began = System.nanoTime();
    long cpuBegan = system.getProcessCpuTime();
    int step = size * threads * TRANSACTIONS_AT_A_TIME;
    for (int at = from; at < to; at += step) load(events.subList(at, Math.min(to, at + step)), size, threads, pool);
    double seconds = (System.nanoTime() - began) / 1e9;
    double cpuSeconds = (system.getProcessCpuTime() - cpuBegan) / 1e9;
    pool.shutdown();
    return "loaded " + seconds + " " + cpuSeconds;
  }

  private void load(List<Event> some, int size, int threads, ExecutorService pool) throws Exception {
    LinkedHashSet<String> unknown = new LinkedHashSet<>();
    for (Event event : some) {
      if (!vertices.containsKey(event.account)) unknown.add(event.account);
      if (!vertices.containsKey(event.title)) unknown.add(event.title);
    }
    List<String> keys = new ArrayList<>(unknown);
    int share = Math.max(1, Math.min(size, (keys.size() + threads - 1) / threads));
    inParallel(pool, keys, share, this::upsertVertices);
    inParallel(pool, some, size, this::addEdges);
  }

  private interface Work<T> {
    void on(List<T> items);
  }

  private static <T> void inParallel(ExecutorService pool, List<T> items, int size, Work<T> work) throws Exception {
    List<Callable<Void>> parts = new ArrayList<>();
    for (int at = 0; at < items.size(); at += size) {
      List<T> part = items.subList(at, Math.min(items.size(), at + size));
      parts.add(
          () -> {
            work.on(part);
            return null;
          });
    }
    for (Future<Void> done : pool.invokeAll(parts)) done.get();
  }

  /** No two threads are given one key. */
  private void upsertVertices(List<String> keys) {
    Map<String, Vertex> found = new HashMap<>();
    JanusGraphTransaction transaction = begin();
    for (int at = 0; at < keys.size(); at += LOOKUPS_AT_ONCE) {
      List<String> some = keys.subList(at, Math.min(keys.size(), at + LOOKUPS_AT_ONCE));
      for (JanusGraphVertex vertex : transaction.query().has("key", Contain.IN, some).vertices()) {
        found.put(vertex.value("key"), vertex);
      }
    }
    for (String key : keys) found.computeIfAbsent(key, it -> newVertex(transaction, it));
    transaction.commit();
    found.forEach((key, vertex) -> vertices.put(key, vertex.id()));
  }

  private static Vertex newVertex(JanusGraphTransaction transaction, String key) {
    if (key.startsWith("title")) {
      Vertex title = transaction.addVertex("Title");
      title.property("key", key);
      return title;
    }
    Vertex account = transaction.addVertex("Account");
    account.property("key", key);
    account.property("country", "DE");
    account.property("plan", "standard");
    return account;
  }

  private void addEdges(List<Event> some) {
    JanusGraphTransaction transaction = begin();
    for (Event event : some) {
      Vertex account = transaction.getVertex(vertices.get(event.account));
      Vertex title = transaction.getVertex(vertices.get(event.title));
      account.addEdge("WATCHED", title, "at", event.atMs, "event", event.event, "seconds", event.seconds);
    }
    transaction.commit();
  }

  /** Without the checks that batch loading leaves out, and without looking whether a vertex that is remembered exists. */
  private JanusGraphTransaction begin() {
    return graph.buildTransaction().enableBatchLoading().checkExternalVertexExistence(false).start();
  }

  private long count() {
    long edges = 0;
    for (Map.Entry<String, Object> vertex : vertices.entrySet()) {
      if (!vertex.getKey().startsWith("title")) continue;
      JanusGraphTransaction transaction = graph.buildTransaction().readOnly().start();
      JanusGraphVertex title = (JanusGraphVertex) transaction.getVertex(vertex.getValue());
      edges += title.query().direction(Direction.IN).labels("WATCHED").edgeCount();
      transaction.rollback();
    }
    return edges;
  }
}
