CREATE TABLE public.ahead_of_the_clock (
    repository character varying(40) NOT NULL,
    key character varying(1024) NOT NULL,
    etag character varying(256) NOT NULL,
    first_seen timestamp with time zone NOT NULL
);
CREATE TABLE public.current_datasets (
    repository character varying(40) NOT NULL,
    dataset_id character varying(256) NOT NULL,
    data_key character varying(1024) NOT NULL,
    source_version character varying(64) NOT NULL,
    sha256 character varying(64) NOT NULL,
    lot character varying(64) NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE TABLE public.jobs (
    id character varying(40) NOT NULL,
    repository character varying(40) NOT NULL,
    dataset_id character varying(256) NOT NULL,
    action character varying(16) NOT NULL,
    state character varying(16) NOT NULL,
    parts json NOT NULL,
    source_version character varying(64) NOT NULL,
    priority character varying(8) NOT NULL,
    size bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    lot character varying(64),
    run_id character varying(64),
    attempts integer NOT NULL,
    sha256 character varying(64),
    reason text
);
CREATE TABLE public.listings (
    repository character varying(40) NOT NULL,
    n_objects integer NOT NULL,
    completed_at timestamp with time zone NOT NULL,
    outage text
);
CREATE TABLE public.lots (
    key character varying(64) NOT NULL,
    repository character varying(40) NOT NULL,
    manifest_uri text NOT NULL,
    sha256 character varying(64) NOT NULL,
    n_jobs integer NOT NULL,
    size bigint NOT NULL,
    state character varying(8) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    attempt integer NOT NULL,
    run_id character varying(64),
    heartbeat_at timestamp with time zone
);
CREATE TABLE public.notification_deliveries (
    notification bigint NOT NULL,
    channel character varying(80) NOT NULL,
    state character varying(16) NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    error text,
    delivered_at timestamp with time zone
);
CREATE TABLE public.notifications (
    id bigint NOT NULL,
    study character varying(40) NOT NULL,
    kind character varying(40) NOT NULL,
    dedupe character varying(128) NOT NULL,
    message text NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.notifications_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.notifications_id_seq OWNED BY public.notifications.id;
CREATE TABLE public.object_versions (
    id bigint NOT NULL,
    repository character varying(40) NOT NULL,
    key character varying(1024) NOT NULL,
    etag character varying(256) NOT NULL,
    size bigint NOT NULL,
    modified timestamp with time zone NOT NULL,
    version character varying(256),
    deleted boolean NOT NULL,
    seen_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.object_versions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.object_versions_id_seq OWNED BY public.object_versions.id;
CREATE TABLE public.objects (
    repository character varying(40) NOT NULL,
    key character varying(1024) NOT NULL,
    etag character varying(256) NOT NULL,
    size bigint NOT NULL,
    modified timestamp with time zone NOT NULL,
    version character varying(256),
    dataset_id character varying(256),
    role character varying(16),
    ignored text,
    deleted boolean NOT NULL,
    seen_at timestamp with time zone NOT NULL
);
CREATE TABLE public.studies (
    study character varying(40) NOT NULL,
    state character varying(32) NOT NULL,
    reason text NOT NULL,
    since timestamp with time zone NOT NULL,
    configuration_sha256 character varying(64),
    listed_at timestamp with time zone,
    judged_by character varying(64),
    changed boolean NOT NULL,
    next_due timestamp with time zone
);
CREATE TABLE public.study_files (
    id bigint NOT NULL,
    study character varying(40) NOT NULL,
    source character varying(40) NOT NULL,
    key character varying(1024) NOT NULL,
    etag character varying(256) NOT NULL,
    version character varying(256),
    size bigint NOT NULL,
    modified timestamp with time zone NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    current boolean NOT NULL,
    file_type character varying(40),
    recording character varying(1024),
    subject character varying(256),
    groups json,
    state character varying(24) NOT NULL,
    reason text NOT NULL,
    since timestamp with time zone NOT NULL,
    flags json,
    sha256 character varying(64),
    scan json,
    scanned_at timestamp with time zone,
    attempts integer NOT NULL,
    inputs json,
    run_key character varying(64),
    refused boolean NOT NULL,
    run_id character varying(64),
    qc_code character varying(256)
);
CREATE SEQUENCE public.study_files_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.study_files_id_seq OWNED BY public.study_files.id;
CREATE TABLE public.study_metadata_files (
    study character varying(40) NOT NULL,
    source character varying(40) NOT NULL,
    key character varying(1024) NOT NULL,
    etag character varying(256) NOT NULL,
    rules character varying(64) NOT NULL,
    modified timestamp with time zone NOT NULL,
    state character varying(16) NOT NULL,
    reason text NOT NULL,
    n_rows integer NOT NULL,
    n_errors integer NOT NULL,
    read_at timestamp with time zone NOT NULL
);
CREATE TABLE public.study_participant_rows (
    study character varying(40) NOT NULL,
    source character varying(40) NOT NULL,
    key character varying(1024) NOT NULL,
    "row" integer NOT NULL,
    subject character varying(256),
    visit character varying(256) NOT NULL,
    "values" json NOT NULL,
    errors json NOT NULL,
    columns json NOT NULL,
    sha256 character varying(64) NOT NULL
);
CREATE TABLE public.study_run_beats (
    run_id character varying(64) NOT NULL,
    beaten_at timestamp with time zone NOT NULL
);
CREATE TABLE public.study_waits (
    id bigint NOT NULL,
    study character varying(40) NOT NULL,
    subject character varying(256) NOT NULL,
    visit character varying(256) NOT NULL,
    "column" character varying(64) NOT NULL,
    since timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    expired boolean NOT NULL,
    resolved_at timestamp with time zone
);
CREATE SEQUENCE public.study_waits_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.study_waits_id_seq OWNED BY public.study_waits.id;
ALTER TABLE ONLY public.notifications ALTER COLUMN id SET DEFAULT nextval('public.notifications_id_seq'::regclass);
ALTER TABLE ONLY public.object_versions ALTER COLUMN id SET DEFAULT nextval('public.object_versions_id_seq'::regclass);
ALTER TABLE ONLY public.study_files ALTER COLUMN id SET DEFAULT nextval('public.study_files_id_seq'::regclass);
ALTER TABLE ONLY public.study_waits ALTER COLUMN id SET DEFAULT nextval('public.study_waits_id_seq'::regclass);
INSERT INTO public.ahead_of_the_clock VALUES ('lab', 'lab/future.csv', 'e', '2026-01-01 00:00:30.009+00');
INSERT INTO public.current_datasets VALUES ('lab', 'notes.docx', 'lab/notes.docx', '37009f4d37b8b7cc14413ca6e5fefd02', 'abababababababababababababababababababababababababababababababab', '20260101T000010Z-9da6c0e8bb', '2026-01-01 00:00:10.003+00');
INSERT INTO public.current_datasets VALUES ('lab', 'c', 'lab/c.csv', '1e245742f7beb1aea5e2583f68cc70a3', 'abababababababababababababababababababababababababababababababab', '20260101T000010Z-9da6c0e8bb', '2026-01-01 00:00:10.003+00');
INSERT INTO public.current_datasets VALUES ('lab', 'a', 'lab/a.csv', '810c1290a8ec252e24d125e4ab8ba898', 'abababababababababababababababababababababababababababababababab', '20260101T000010Z-9da6c0e8bb', '2026-01-01 00:00:10.003+00');
INSERT INTO public.current_datasets VALUES ('lab', 'b', 'lab/b.csv', 'f4a56b5c17e2218fbe7c7f90733e463a', 'abababababababababababababababababababababababababababababababab', '20260101T000010Z-9da6c0e8bb', '2026-01-01 00:00:10.003+00');
INSERT INTO public.jobs VALUES ('20260101T000010003000-1618014b40', 'lab', 'notes.docx', 'upload', 'SUCCESS', '[{"role": "data", "key": "lab/notes.docx", "etag": "put-5", "size": 10, "modified": "2026-01-01T00:00:00+00:00", "version": null}]', '37009f4d37b8b7cc14413ca6e5fefd02', 'medium', 10, '2026-01-01 00:00:10.003+00', '2026-01-01 00:00:10.003+00', '2026-01-01 00:00:10.003+00', '2026-01-01 00:00:10.003+00', '20260101T000010Z-9da6c0e8bb', 'run-1', 1, 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO public.jobs VALUES ('20260101T000010003000-7bad28d29a', 'lab', 'broken', 'upload', 'ERRORED', '[{"role": "data", "key": "lab/broken.csv", "etag": "put-6", "size": 10, "modified": "2026-01-01T00:00:00+00:00", "version": null}]', 'a43c99fb61ef0884029abbb787154da6', 'medium', 10, '2026-01-01 00:00:10.003+00', '2026-01-01 00:00:10.003+00', '2026-01-01 00:00:10.003+00', '2026-01-01 00:00:10.003+00', '20260101T000010Z-9da6c0e8bb', 'run-1', 1, 'abababababababababababababababababababababababababababababababab', 'NotANumber: gene ''TP53'', sample s1: ''many''');
INSERT INTO public.jobs VALUES ('20260101T000010003000-8649059cc0', 'lab', 'c', 'upload', 'SUCCESS', '[{"role": "data", "key": "lab/c.csv", "etag": "put-3", "size": 10, "modified": "2026-01-01T00:00:00+00:00", "version": null}]', '1e245742f7beb1aea5e2583f68cc70a3', 'medium', 10, '2026-01-01 00:00:10.003+00', '2026-01-01 00:00:10.003+00', '2026-01-01 00:00:10.003+00', '2026-01-01 00:00:10.003+00', '20260101T000010Z-9da6c0e8bb', 'run-1', 1, 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO public.jobs VALUES ('20260101T000010003000-b76925e918', 'lab', 'a', 'upload', 'SUCCESS', '[{"role": "data", "key": "lab/a.csv", "etag": "put-1", "size": 10, "modified": "2026-01-01T00:00:00+00:00", "version": null}]', '810c1290a8ec252e24d125e4ab8ba898', 'medium', 10, '2026-01-01 00:00:10.003+00', '2026-01-01 00:00:10.003+00', '2026-01-01 00:00:10.003+00', '2026-01-01 00:00:10.003+00', '20260101T000010Z-9da6c0e8bb', 'run-1', 1, 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO public.jobs VALUES ('20260101T000010003000-fc9db05b5a', 'lab', 'b', 'upload', 'SUCCESS', '[{"role": "data", "key": "lab/b.csv", "etag": "put-2", "size": 10, "modified": "2026-01-01T00:00:00+00:00", "version": null}]', 'f4a56b5c17e2218fbe7c7f90733e463a', 'medium', 10, '2026-01-01 00:00:10.003+00', '2026-01-01 00:00:10.003+00', '2026-01-01 00:00:10.003+00', '2026-01-01 00:00:10.003+00', '20260101T000010Z-9da6c0e8bb', 'run-1', 1, 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO public.jobs VALUES ('20260101T000030006000-01594a8cf4', 'lab', 'a', 'update', 'IN_QUEUE', '[{"role": "data", "key": "lab/a.csv", "etag": "put-7", "size": 10, "modified": "2026-01-01T00:00:20.003000+00:00", "version": null}, {"role": "samples", "key": "lab/a.samples.csv", "etag": "put-8", "size": 10, "modified": "2026-01-01T00:00:20.003000+00:00", "version": null}]', '4c436c06c3beb80171a86f8e19ad6da5', 'medium', 20, '2026-01-01 00:00:30.006+00', '2026-01-01 00:00:30.006+00', NULL, NULL, '20260101T000030Z-d500d972b1', NULL, 0, NULL, NULL);
INSERT INTO public.jobs VALUES ('20260101T000030006000-5b59070e09', 'lab', 'c', 'delete', 'IN_QUEUE', '[{"role": "data", "key": "lab/c.csv", "etag": "put-3", "size": 10, "modified": "2026-01-01T00:00:00+00:00", "version": null}]', '1e245742f7beb1aea5e2583f68cc70a3', 'medium', 10, '2026-01-01 00:00:30.006+00', '2026-01-01 00:00:30.006+00', NULL, NULL, '20260101T000030Z-d500d972b1', NULL, 0, NULL, NULL);
INSERT INTO public.listings VALUES ('lab', 7, '2026-01-01 00:00:30.009+00', NULL);
INSERT INTO public.lots VALUES ('20260101T000010Z-9da6c0e8bb', 'lab', 'memory://lab/_lots/20260101T000010Z-9da6c0e8bb.json', '9da6c0e8bb8d8e69e3dc78dd9bd491ead011604c55787e8afba3dc0d0a0a274c', 5, 50, 'DONE', '2026-01-01 00:00:10.003+00', 1, 'run-1', '2026-01-01 00:00:10.003+00');
INSERT INTO public.lots VALUES ('20260101T000030Z-d500d972b1', 'lab', 'memory://lab/_lots/20260101T000030Z-d500d972b1.json', 'd500d972b1e565c082a8d5e805a1dd12e449f8d6a613409222c1223080da237d', 2, 30, 'OPEN', '2026-01-01 00:00:30.006+00', 1, NULL, NULL);
INSERT INTO public.notification_deliveries VALUES (1, 'log', 'pending', 0, '2024-03-01 12:05:00+00', NULL, NULL);
INSERT INTO public.notification_deliveries VALUES (1, 'webhook:team', 'pending', 0, '2024-03-01 12:05:00+00', NULL, NULL);
INSERT INTO public.notification_deliveries VALUES (2, 'webhook:team', 'pending', 0, '2024-03-01 12:05:00+00', NULL, NULL);
INSERT INTO public.notification_deliveries VALUES (2, 'log', 'pending', 0, '2024-03-01 12:05:00+00', NULL, NULL);
INSERT INTO public.notifications VALUES (1, 'TEST-001', 'waiting', 'waiting/height_m/2024-03-01T12:05:00+00:00', 'TEST-001: recordings of 1 subject wait for height_m until 2024-03-15: 1002.', '2024-03-01 12:05:00+00');
INSERT INTO public.notifications VALUES (2, 'TEST-001', 'waiting', 'a', 'It waits.', '2024-03-01 12:05:00+00');
INSERT INTO public.object_versions VALUES (1, 'lab', 'lab/Größe+1.csv', 'put-4', 10, '2026-01-01 00:00:00+00', NULL, false, '2026-01-01 00:00:10.003+00');
INSERT INTO public.object_versions VALUES (2, 'lab', 'lab/a.csv', 'put-1', 10, '2026-01-01 00:00:00+00', NULL, false, '2026-01-01 00:00:10.003+00');
INSERT INTO public.object_versions VALUES (3, 'lab', 'lab/b.csv', 'put-2', 10, '2026-01-01 00:00:00+00', NULL, false, '2026-01-01 00:00:10.003+00');
INSERT INTO public.object_versions VALUES (4, 'lab', 'lab/broken.csv', 'put-6', 10, '2026-01-01 00:00:00+00', NULL, false, '2026-01-01 00:00:10.003+00');
INSERT INTO public.object_versions VALUES (5, 'lab', 'lab/c.csv', 'put-3', 10, '2026-01-01 00:00:00+00', NULL, false, '2026-01-01 00:00:10.003+00');
INSERT INTO public.object_versions VALUES (6, 'lab', 'lab/notes.docx', 'put-5', 10, '2026-01-01 00:00:00+00', NULL, false, '2026-01-01 00:00:10.003+00');
INSERT INTO public.object_versions VALUES (7, 'lab', 'lab/a.csv', 'put-7', 10, '2026-01-01 00:00:20.003+00', NULL, false, '2026-01-01 00:00:30.006+00');
INSERT INTO public.object_versions VALUES (8, 'lab', 'lab/a.samples.csv', 'put-8', 10, '2026-01-01 00:00:20.003+00', NULL, false, '2026-01-01 00:00:30.006+00');
INSERT INTO public.object_versions VALUES (9, 'lab', 'lab/c.csv', 'put-3', 10, '2026-01-01 00:00:00+00', NULL, true, '2026-01-01 00:00:30.006+00');
INSERT INTO public.objects VALUES ('lab', 'lab/Größe+1.csv', 'put-4', 10, '2026-01-01 00:00:00+00', NULL, NULL, NULL, '`Größe+1` does not match the repository''s id rule ^(?P<dataset_id>[A-Za-z0-9][A-Za-z0-9_.-]{0,127})$', false, '2026-01-01 00:00:10.003+00');
INSERT INTO public.objects VALUES ('lab', 'lab/b.csv', 'put-2', 10, '2026-01-01 00:00:00+00', NULL, 'b', 'data', NULL, false, '2026-01-01 00:00:10.003+00');
INSERT INTO public.objects VALUES ('lab', 'lab/broken.csv', 'put-6', 10, '2026-01-01 00:00:00+00', NULL, 'broken', 'data', NULL, false, '2026-01-01 00:00:10.003+00');
INSERT INTO public.objects VALUES ('lab', 'lab/notes.docx', 'put-5', 10, '2026-01-01 00:00:00+00', NULL, 'notes.docx', 'data', NULL, false, '2026-01-01 00:00:10.003+00');
INSERT INTO public.objects VALUES ('lab', 'lab/a.csv', 'put-7', 10, '2026-01-01 00:00:20.003+00', NULL, 'a', 'data', NULL, false, '2026-01-01 00:00:30.006+00');
INSERT INTO public.objects VALUES ('lab', 'lab/a.samples.csv', 'put-8', 10, '2026-01-01 00:00:20.003+00', NULL, 'a', 'samples', NULL, false, '2026-01-01 00:00:30.006+00');
INSERT INTO public.objects VALUES ('lab', 'lab/c.csv', 'put-3', 10, '2026-01-01 00:00:00+00', NULL, 'c', 'data', NULL, true, '2026-01-01 00:00:30.006+00');
INSERT INTO public.studies VALUES ('TEST-001', 'ok', '', '2024-03-01 12:05:00+00', 'd554867769bfc81dd312e87ec90f1fb6293f547a242af32f44144323b4bb59b8', '2024-03-01 12:05:00+00', 'ffccb458fdbe552f278b0fd43154aac24ebcbec3788693bdece0171688a39a03', true, '2024-03-15 12:05:00+00');
INSERT INTO public.study_files VALUES (2, 'TEST-001', 'raw', 'incoming/1001_V1.cwa', '9b8958-612981d875000-1c', NULL, 28, '2024-03-01 12:00:00+00', '2024-03-01 12:05:00+00', true, 'lumbar', 'lumbar~1001~V1', '1001', '{"subject": "1001", "visit": "V1"}', 'ready', '', '2024-03-01 12:05:00+00', '[]', 'ad81473c429c5937f76fa2bce9bcc278d878f424d91e204bc1e919898dff963e', '{"format": "cwa", "device_kind": "ax3", "start": "2024-02-01T10:00:00", "end": "2024-02-08T10:00:00", "sampling_hz": 50.0, "n_samples_expected": 0, "bad_block_fraction": 0.0, "size_bytes": 0}', '2024-03-01 12:05:00+00', 0, NULL, NULL, false, NULL, NULL);
INSERT INTO public.study_files VALUES (1, 'TEST-001', 'raw', 'incoming/1002_V1.cwa', '9b895a-612981d875000-1c', NULL, 28, '2024-03-01 12:00:00+00', '2024-03-01 12:05:00+00', true, 'lumbar', 'lumbar~1002~V1', '1002', '{"subject": "1002", "visit": "V1"}', 'waiting', 'height_m of subject 1002 is not known.', '2024-03-01 12:05:00+00', '[]', 'ad90e0727638fbe04ce9b51a99e02495d3b9b7ff68cc8912ddc4146584320269', '{"format": "cwa", "device_kind": "ax3", "start": "2024-02-01T10:00:00", "end": "2024-02-08T10:00:00", "sampling_hz": 50.0, "n_samples_expected": 0, "bad_block_fraction": 0.0, "size_bytes": 0}', '2024-03-01 12:05:00+00', 0, NULL, NULL, false, NULL, NULL);
INSERT INTO public.study_files VALUES (3, 'TEST-001', 'raw', 'incoming/1001_V1_7.bin', '9b8959-612981d875000-1e', NULL, 30, '2024-03-01 12:00:00+00', '2024-03-01 12:05:00+00', true, 'wrist', 'wrist~1001~V1', '1001', '{"device": "7", "subject": "1001", "visit": "V1"}', 'processed', 'as it went', '2024-03-01 12:05:00+00', '["header_subject_empty"]', '336700f38da7a7912f9177fa80863f3d4025c6bdac698761e13f00dbfba70b0e', '{"format": "geneactiv_bin", "device_kind": "geneactiv", "start": "2024-02-01T10:00:00", "end": "2024-02-08T10:00:00", "sampling_hz": 50.0, "n_samples_expected": 0, "bad_block_fraction": 0.0, "size_bytes": 0}', '2024-03-01 12:05:00+00', 1, '{"files": "42b843cdbc67059e2d50eea7df97aded63d59ff1e1e00ac9b81f7d7174918542", "configuration": "517aba55a0a1aa701f58de12d4047d8d72f3058d6d93d2d99c7db11b5c762ae2", "metadata": "ea64bae9b7a121c5e938c6f1c985b09e01537c6f238caea8afde70332082522f", "pipeline sleep": "3b8933186c0452d98718f39e7ecd855e86e93f6dc779e99c672065cb428bc4bf", "runtime sleep": "skdh-0.17.18-py311-a"}', 'd91c40a8b696bdce0407584e7698864c', false, 'run-s', 'ok');
INSERT INTO public.study_metadata_files VALUES ('TEST-001', 'raw', 'meta/people.csv', '9b8957-612981d875000-22', 'c96d7959ea10a523ee21baa0e812b3f0000f51f3935db14675a3a40aca25cc28', '2024-03-01 12:00:00+00', 'read', '', 2, 0, '2024-03-01 12:05:00+00');
INSERT INTO public.study_participant_rows VALUES ('TEST-001', 'raw', 'meta/people.csv', 2, '1001', '', '{"subject": "1001", "height_m": 1.72, "timezone": null}', '[]', '["subject", "height_m", "timezone"]', '6365589fbeb1ac82f429ddbfe4620756155c10024e0f939eeb78db06352779bb');
INSERT INTO public.study_participant_rows VALUES ('TEST-001', 'raw', 'meta/people.csv', 3, '1002', '', '{"subject": "1002", "height_m": null, "timezone": null}', '[]', '["subject", "height_m", "timezone"]', 'cdaf4429904a296d4b95692efedbb7c81333e8a558d6934a5766a77913ce5202');
INSERT INTO public.study_run_beats VALUES ('run-s', '2026-11-25 22:14:27.018711+00');
INSERT INTO public.study_waits VALUES (1, 'TEST-001', '1002', '', 'height_m', '2024-03-01 12:05:00+00', '2024-03-15 12:05:00+00', false, NULL);
SELECT pg_catalog.setval('public.notifications_id_seq', 2, true);
SELECT pg_catalog.setval('public.object_versions_id_seq', 9, true);
SELECT pg_catalog.setval('public.study_files_id_seq', 3, true);
SELECT pg_catalog.setval('public.study_waits_id_seq', 1, true);
ALTER TABLE ONLY public.ahead_of_the_clock
    ADD CONSTRAINT ahead_of_the_clock_pkey PRIMARY KEY (repository, key);
ALTER TABLE ONLY public.current_datasets
    ADD CONSTRAINT current_datasets_pkey PRIMARY KEY (repository, dataset_id);
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.listings
    ADD CONSTRAINT listings_pkey PRIMARY KEY (repository);
ALTER TABLE ONLY public.lots
    ADD CONSTRAINT lots_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.notification_deliveries
    ADD CONSTRAINT notification_deliveries_pkey PRIMARY KEY (notification, channel);
ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_once UNIQUE (study, dedupe);
ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.object_versions
    ADD CONSTRAINT object_versions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.objects
    ADD CONSTRAINT objects_pkey PRIMARY KEY (repository, key);
ALTER TABLE ONLY public.studies
    ADD CONSTRAINT studies_pkey PRIMARY KEY (study);
ALTER TABLE ONLY public.study_files
    ADD CONSTRAINT study_files_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.study_metadata_files
    ADD CONSTRAINT study_metadata_files_pkey PRIMARY KEY (study, source, key);
ALTER TABLE ONLY public.study_participant_rows
    ADD CONSTRAINT study_participant_rows_pkey PRIMARY KEY (study, source, key, "row");
ALTER TABLE ONLY public.study_run_beats
    ADD CONSTRAINT study_run_beats_pkey PRIMARY KEY (run_id);
ALTER TABLE ONLY public.study_waits
    ADD CONSTRAINT study_waits_pkey PRIMARY KEY (id);
CREATE INDEX jobs_by_dataset ON public.jobs USING btree (repository, dataset_id);
CREATE INDEX jobs_by_lot ON public.jobs USING btree (lot);
CREATE INDEX jobs_by_state ON public.jobs USING btree (repository, state);
CREATE INDEX lots_by_state ON public.lots USING btree (repository, state);
CREATE INDEX notification_deliveries_by_state ON public.notification_deliveries USING btree (state, next_attempt_at);
CREATE INDEX object_versions_by_key ON public.object_versions USING btree (repository, key);
CREATE INDEX objects_by_dataset ON public.objects USING btree (repository, dataset_id);
CREATE INDEX study_files_by_current ON public.study_files USING btree (study, current, source, key);
CREATE INDEX study_files_by_recording ON public.study_files USING btree (study, recording);
CREATE INDEX study_files_by_state ON public.study_files USING btree (study, state);
CREATE INDEX study_participant_rows_by_subject ON public.study_participant_rows USING btree (study, subject);
CREATE INDEX study_waits_open ON public.study_waits USING btree (study, resolved_at);
