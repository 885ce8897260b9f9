import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.tinkerpop.gremlin.structure.Direction;
import org.apache.tinkerpop.gremlin.structure.Edge;
import org.apache.tinkerpop.gremlin.structure.Vertex;
import org.janusgraph.core.JanusGraph;
import org.janusgraph.core.JanusGraphEdge;
import org.janusgraph.core.JanusGraphFactory;
import org.janusgraph.core.JanusGraphTransaction;
import org.janusgraph.core.JanusGraphVertex;
import org.janusgraph.core.Multiplicity;
import org.janusgraph.core.PropertyKey;
import org.janusgraph.core.attribute.Contain;
import org.janusgraph.core.schema.JanusGraphManagement;
import org.janusgraph.graphdb.internal.Order;
import org.janusgraph.graphdb.types.StandardEdgeLabelMaker;

/**
 * JanusGraph in this process, on a Cassandra node that is there, as a good engineer loads it: a schema of its own, batch loading, new nodes first and then edges,
 * identities of nodes remembered, several transactions at once.
 *
 * Arguments: host, port, data center, keyspace, a file of events (account, title, event, time, seconds; tabs between them). It reads commands, a line each, and answers
 * each by a line: `load FROM COUNT EVENTS-A-TRANSACTION THREADS WAY` by seconds and CPU seconds, `count` by how many edges there are. It ends with its input.
 *
 * The way `upsert` looks first whether an event's edge is there, so that an event that comes again changes nothing, as ours does not; `blind` adds it. An event is an edge
 * that both ends have, and a step: an edge that its member alone has, sorted by time together with those of all other kinds of events.
 */
class JanusGraphLoad {
  record Event(String account, String title, String event, long atMs, long seconds) {}

  /** Transactions of a thread that follow one look for new nodes. */
  private static final int TRANSACTIONS_AT_A_TIME = 4;
  private static final int LOOKUPS_AT_ONCE = 100;

  private final JanusGraph graph;
  private final List<Event> events;
  /** By name; what is here is in the graph. */
  private final Map<String, Object> vertices = new ConcurrentHashMap<>();

  JanusGraphLoad(JanusGraph graph, List<Event> events) {
    this.graph = graph;
    this.events = events;
  }

  /** Threads of the driver would keep a process alive that has failed. */
  public static void main(String[] args) {
    try {
      run(args);
      System.exit(0);
    } catch (Exception failure) {
      failure.printStackTrace();
      System.exit(1);
    }
  }

  private static void run(String[] args) throws Exception {
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
  }

  private void defineSchema() {
    JanusGraphManagement schema = graph.openManagement();
    schema.makeVertexLabel("Account").make();
    schema.makeVertexLabel("Title").make();
    PropertyKey name = schema.makePropertyKey("name").dataType(String.class).make();
    schema.makePropertyKey("country").dataType(String.class).make();
    schema.makePropertyKey("plan").dataType(String.class).make();
    schema.makePropertyKey("event").dataType(String.class).make();
    schema.makePropertyKey("seconds").dataType(Long.class).make();
    schema.makePropertyKey("domain").dataType(String.class).make();
    schema.makePropertyKey("action").dataType(String.class).make();
    PropertyKey at = schema.makePropertyKey("at").dataType(Long.class).make();
    // Sorted where it is, as JanusGraph can do it: an index of edges, which its interface asks for instead, would write each of them once more at both ends.
    StandardEdgeLabelMaker watched = (StandardEdgeLabelMaker) schema.makeEdgeLabel("WATCHED");
    watched.multiplicity(Multiplicity.MULTI).sortKey(at).sortOrder(Order.DESC).make();
    StandardEdgeLabelMaker step = (StandardEdgeLabelMaker) schema.makeEdgeLabel("STEP");
    step.unidirected().multiplicity(Multiplicity.MULTI).sortKey(at).sortOrder(Order.DESC).make();
    schema.buildIndex("byName", Vertex.class).addKey(name).buildCompositeIndex();
    schema.commit();
  }

  private String timed(String[] words) throws Exception {
    int from = Integer.parseInt(words[1]);
    int to = from + Integer.parseInt(words[2]);
    int size = Integer.parseInt(words[3]);
    int threads = Integer.parseInt(words[4]);
    boolean looks = words[5].equals("upsert");
    OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    long began = System.nanoTime();
    long cpuBegan = system.getProcessCpuTime();
    int step = size * threads * TRANSACTIONS_AT_A_TIME;
    for (int at = from; at < to; at += step) {
      load(events.subList(at, Math.min(to, at + step)), size, threads, looks, pool);
    }
    double seconds = (System.nanoTime() - began) / 1e9;
    double cpuSeconds = (system.getProcessCpuTime() - cpuBegan) / 1e9;
    pool.shutdown();
    return "loaded " + seconds + " " + cpuSeconds;
  }

  private void load(List<Event> some, int size, int threads, boolean looks, ExecutorService pool)
      throws Exception {
    LinkedHashSet<String> unknown = new LinkedHashSet<>();
    for (Event event : some) {
      if (!vertices.containsKey(event.account)) unknown.add(event.account);
      if (!vertices.containsKey(event.title)) unknown.add(event.title);
    }
    List<String> names = new ArrayList<>(unknown);
    int share = Math.max(1, Math.min(size, (names.size() + threads - 1) / threads));
    inParallel(pool, names, share, this::upsertVertices);
    inParallel(pool, some, size, part -> addEdges(part, looks));
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

  /** No two threads are given one name. */
  private void upsertVertices(List<String> names) {
    Map<String, Vertex> found = new HashMap<>();
    JanusGraphTransaction transaction = begin();
    for (int at = 0; at < names.size(); at += LOOKUPS_AT_ONCE) {
      List<String> some = names.subList(at, Math.min(names.size(), at + LOOKUPS_AT_ONCE));
      for (JanusGraphVertex vertex : transaction.query().has("name", Contain.IN, some).vertices()) {
        found.put(vertex.value("name"), vertex);
      }
    }
    for (String name : names) found.computeIfAbsent(name, it -> newVertex(transaction, it));
    transaction.commit();
    found.forEach((name, vertex) -> vertices.put(name, vertex.id()));
  }

  private static Vertex newVertex(JanusGraphTransaction transaction, String name) {
    if (name.startsWith("title")) {
      Vertex title = transaction.addVertex("Title");
      title.property("name", name);
      return title;
    }
    Vertex account = transaction.addVertex("Account");
    account.property("name", name);
    account.property("country", "DE");
    account.property("plan", "standard");
    return account;
  }

  private void addEdges(List<Event> some, boolean looks) {
    JanusGraphTransaction transaction = begin();
    Set<String> known = looks ? eventsThere(transaction, some) : Set.of();
    for (Event event : some) {
      if (known.contains(event.event)) continue;
      Vertex account = transaction.getVertex(vertices.get(event.account));
      Vertex title = transaction.getVertex(vertices.get(event.title));
      Object[] said = {"at", event.atMs, "event", event.event, "seconds", event.seconds};
      account.addEdge("WATCHED", title, said);
      Edge step = account.addEdge("STEP", title, said);
      step.property("domain", "playback");
      step.property("action", "watched");
    }
    transaction.commit();
  }

  /** One request to JanusGraph for all of them: of each member the edges of the time that the events are of. */
  private Set<String> eventsThere(JanusGraphTransaction transaction, List<Event> some) {
    Set<JanusGraphVertex> accounts = new HashSet<>();
    long first = Long.MAX_VALUE;
    long last = 0;
    for (Event event : some) {
      accounts.add(transaction.getVertex(vertices.get(event.account)));
      first = Math.min(first, event.atMs);
      last = Math.max(last, event.atMs);
    }
    Set<String> there = new HashSet<>();
    Map<JanusGraphVertex, Iterable<JanusGraphEdge>> found =
        transaction.multiQuery(accounts).direction(Direction.OUT).labels("WATCHED").interval("at", first, last + 1).edges();
    for (Iterable<JanusGraphEdge> edges : found.values()) {
      for (JanusGraphEdge edge : edges) there.add(edge.value("event"));
    }
    return there;
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
      JanusGraphVertex title = transaction.getVertex(vertex.getValue());
      edges += title.query().direction(Direction.IN).labels("WATCHED").edgeCount();
      transaction.rollback();
    }
    return edges;
  }
}
