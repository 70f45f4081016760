import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The service as a Kafka Streams application: exactly once (v2), state in RocksDB with changelogs, commits every
 * 100 ms. Input has to be keyed by batch: slots of a batch live in the task of its partition.
 *
 * <p>Stores, keys beginning with the batch: registration; open and filled counts; slot (essay, then content); the
 * slot of each content; content that came before its batch.
 */
public final class EssayLifecycle implements Processor<byte[], byte[], byte[], byte[]> {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final UUID NAMESPACE = UUID.fromString("6f0d2c1e-3b5a-5c6e-9a53-1f2b7c8d4e90");
    private static final String ASSIGNED = "assigned", EXCESS = "excess", COMPLETED = "completed", READY = "ready";

    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<byte[], byte[]> registrations, counts, slots, contents, pending;

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        registrations = context.getStateStore("registrations");
        counts = context.getStateStore("counts");
        slots = context.getStateStore("slots");
        contents = context.getStateStore("contents");
        pending = context.getStateStore("pending");
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        try {
            JsonNode envelope = JSON.readTree(record.value());
            switch (envelope.get("event_type").textValue()) {
                case "BatchEssaysRegisteredV1" -> register(envelope, record.timestamp());
                case "EssayContentProvisionedV1" -> provision(envelope, record.value(), record.timestamp());
                default -> System.err.println("skipped " + envelope.get("event_type"));
            }
        } catch (IOException | NullPointerException error) {
            System.err.println("skipped a record: " + error);
        }
    }

    private void register(JsonNode envelope, long timestamp) throws IOException {
        ObjectNode data = (ObjectNode) envelope.get("data");
        byte[] batch = bytes(data.get("batch_id").textValue());
        if (counts.get(batch) != null) {
            return;
        }
        int position = 0;
        for (JsonNode essay : data.remove("essay_ids")) {
            slots.put(slotKey(batch, position++), bytes(essay.textValue()));
        }
        data.put("correlation_id", envelope.get("correlation_id").textValue());
        registrations.put(batch, JSON.writeValueAsBytes(data));
        counts.put(batch, countsOf(position, 0));
        for (byte[] waiting : takePending(batch)) {
            provision(JSON.readTree(waiting), waiting, timestamp);
        }
    }

    private List<byte[]> takePending(byte[] batch) {
        List<byte[]> found = new ArrayList<>();
        List<byte[]> keys = new ArrayList<>();
        try (KeyValueIterator<byte[], byte[]> range = pending.range(join(batch, "/"), join(batch, "0"))) {
            range.forEachRemaining(each -> {
                keys.add(each.key);
                found.add(each.value);
            });
        }
        keys.forEach(pending::delete);
        return found;
    }

    private void provision(JsonNode envelope, byte[] raw, long timestamp) throws IOException {
        ObjectNode data = (ObjectNode) envelope.get("data");
        String batchId = data.get("batch_id").textValue();
        String text = data.get("text_storage_id").textValue();
        byte[] batch = bytes(batchId);
        byte[] contentKey = join(batch, "/" + text);
        byte[] known = counts.get(batch);
        if (known == null) {
            pending.put(contentKey, raw);
            return;
        }
        if (contents.get(contentKey) != null) {
            return;
        }
        ByteBuffer count = ByteBuffer.wrap(known);
        int expected = count.getInt(), filled = count.getInt();
        JsonNode correlation = envelope.get("correlation_id");
        if (filled == expected) {
            contents.put(contentKey, new byte[] {-1});
            data.put("reason", "NO_AVAILABLE_SLOT");
            emit(EXCESS, "ExcessContentProvisionedV1", batchId, text, data, correlation, timestamp);
            return;
        }
        byte[] slot = slotKey(batch, filled);
        String essay = new String(slots.get(slot), StandardCharsets.UTF_8);
        slots.put(slot, bytes(essay + "\n" + text));
        contents.put(contentKey, ByteBuffer.allocate(4).putInt(filled).array());
        counts.put(batch, countsOf(expected, filled + 1));
        data.put("essay_id", essay).put("slot_position", filled);
        emit(ASSIGNED, "EssaySlotAssignedV1", batchId, text, data, correlation, timestamp);
        if (filled + 1 == expected) {
            complete(batchId, batch, expected, timestamp);
        }
    }

    private void complete(String batchId, byte[] batch, int expected, long timestamp) throws IOException {
        ObjectNode registration = (ObjectNode) JSON.readTree(registrations.get(batch));
        ArrayNode essays = JSON.createArrayNode();
        for (int position = 0; position < expected; position++) {
            String[] slot = new String(slots.get(slotKey(batch, position)), StandardCharsets.UTF_8).split("\n");
            essays.addObject().put("essay_id", slot[0]).put("text_storage_id", slot[1]);
        }
        ObjectNode completed = JSON.createObjectNode().put("batch_id", batchId).put("expected_count", expected)
            .put("provisioned_count", expected).put("failed_count", 0);
        completed.set("course_code", registration.get("course_code"));
        completed.set("user_id", registration.get("user_id"));
        completed.set("essays_for_processing", essays);
        ObjectNode ready = JSON.createObjectNode().put("batch_id", batchId);
        ready.set("ready_essays", essays);
        ready.set("course_code", registration.get("course_code"));
        ready.set("essay_instructions", registration.get("essay_instructions"));
        ready.set("user_id", registration.get("user_id"));
        JsonNode correlation = registration.get("correlation_id");
        emit(COMPLETED, "BatchContentProvisioningCompletedV1", batchId, "", completed, correlation, timestamp);
        emit(READY, "BatchEssaysReadyV1", batchId, "", ready, correlation, timestamp);
    }

    private void emit(String sink, String type, String batchId, String content, ObjectNode data, JsonNode correlation,
            long timestamp) throws IOException {
        ObjectNode envelope = JSON.createObjectNode()
            .put("event_id", eventId(type + "/" + batchId + "/" + content).toString())
            .put("event_type", type)
            .put("event_timestamp", Instant.now().toString())
            .put("source_service", "streams")
            .put("schema_version", 1);
        envelope.set("correlation_id", correlation);
        envelope.set("data", data);
        envelope.putObject("metadata");
        context.forward(new Record<>(bytes(batchId), JSON.writeValueAsBytes(envelope), timestamp), sink);
    }

    private static UUID eventId(String name) {
        try {
            MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
            sha1.update(ByteBuffer.allocate(16).putLong(NAMESPACE.getMostSignificantBits())
                .putLong(NAMESPACE.getLeastSignificantBits()).array());
            ByteBuffer digest = ByteBuffer.wrap(sha1.digest(bytes(name)));
            return new UUID(digest.getLong() & ~0xF000L | 0x5000L, digest.getLong() & ~(3L << 62) | (2L << 62));
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error);
        }
    }

    private static byte[] countsOf(int expected, int filled) {
        return ByteBuffer.allocate(8).putInt(expected).putInt(filled).array();
    }

    private static byte[] slotKey(byte[] batch, int position) {
        return ByteBuffer.allocate(batch.length + 4).put(batch).putInt(position).array();
    }

    private static byte[] join(byte[] batch, String rest) {
        byte[] tail = bytes(rest);
        return ByteBuffer.allocate(batch.length + tail.length).put(batch).put(tail).array();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Topology topology(String prefix) {
        Topology topology = new Topology();
        ByteArrayDeserializer in = new ByteArrayDeserializer();
        ByteArraySerializer out = new ByteArraySerializer();
        topology.addSource("registered", in, in, prefix + "batch.essays.registered.v1");
        topology.addSource("provisioned", in, in, prefix + "file.essay.content.provisioned.v1");
        topology.addProcessor("lifecycle", EssayLifecycle::new, "registered", "provisioned");
        for (String name : List.of("registrations", "slots", "contents", "pending")) {
            topology.addStateStore(store(name), "lifecycle");
        }
        // The one store whose rows change again and again: cached, so that the changelog gets the last of each commit.
        topology.addStateStore(store("counts").withCachingEnabled(), "lifecycle");
        Map<String, String> sinks = Map.of(
            ASSIGNED, "els.essay.slot.assigned.v1",
            EXCESS, "els.excess.content.provisioned.v1",
            COMPLETED, "els.batch.content.provisioning.completed.v1",
            READY, "els.batch.essays.ready.v1");
        sinks.forEach((name, topic) -> topology.addSink(name, prefix + topic, out, out, "lifecycle"));
        return topology;
    }

    private static StoreBuilder<KeyValueStore<byte[], byte[]>> store(String name) {
        return Stores.keyValueStoreBuilder(
            Stores.persistentKeyValueStore(name), Serdes.ByteArray(), Serdes.ByteArray());
    }

    public static void main(String[] arguments) throws InterruptedException {
        Map<String, String> environment = System.getenv();
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, environment.get("ROLLCALL_CONSUMER_GROUP"));
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, environment.get("ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"));
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Integer.parseInt(arguments[1]));
        properties.put(StreamsConfig.STATE_DIR_CONFIG, arguments[0]);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.MAX_REQUEST_SIZE_CONFIG), 24 * 1024 * 1024);
        KafkaStreams streams = new KafkaStreams(topology(environment.get("ROLLCALL_TOPIC_PREFIX")), properties);
        CountDownLatch ended = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            ended.countDown();
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse
                .SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(java.time.Duration.ofSeconds(10))));
        streams.start();
        ended.await();
    }
}
