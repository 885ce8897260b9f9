import java.nio.charset.StandardCharsets;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Kafka's own producer, for tests: bytes that no library of ours has made.
 * Arguments: bootstrap servers, topic, then any number of `compression:outcome:count`, each one batch on partition 0;
 * the outcome is plain, commit or abort. Values are "compression-outcome-index" and a padding that compresses well.
 */
class ForeignProducer {
  public static void main(String[] args) {
    for (int at = 2; at < args.length; at++) {
      String[] part = args[at].split(":");
      boolean transaction = !part[1].equals("plain");
      Properties settings = new Properties();
      settings.put("bootstrap.servers", args[0]);
      settings.put("compression.type", part[0]);
      settings.put("linger.ms", "200");
      settings.put("batch.size", "1000000");
      settings.put("max.request.size", "8000000");
      if (transaction) settings.put("transactional.id", args[1] + "-" + at);
      try (var producer =
          new KafkaProducer<byte[], byte[]>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
        if (transaction) {
          producer.initTransactions();
          producer.beginTransaction();
        }
        for (int index = 0; index < Integer.parseInt(part[2]); index++) {
          String value = part[0] + "-" + part[1] + "-" + index + " " + "padding ".repeat(50);
          producer.send(new ProducerRecord<>(args[1], 0, null, value.getBytes(StandardCharsets.UTF_8)));
        }
        producer.flush();
        if (part[1].equals("commit")) producer.commitTransaction();
        if (part[1].equals("abort")) producer.abortTransaction();
      }
    }
  }
}
