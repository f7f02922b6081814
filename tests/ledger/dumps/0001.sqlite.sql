BEGIN TRANSACTION;
CREATE TABLE ahead_of_the_clock (
	repository VARCHAR(40) NOT NULL, 
	"key" VARCHAR(1024) NOT NULL, 
	etag VARCHAR(256) NOT NULL, 
	first_seen DATETIME NOT NULL, 
	PRIMARY KEY (repository, "key")
);
INSERT INTO "ahead_of_the_clock" VALUES('lab','lab/future.csv','e','2026-01-01 00:00:30.009000');
CREATE TABLE current_datasets (
	repository VARCHAR(40) NOT NULL, 
	dataset_id VARCHAR(256) NOT NULL, 
	data_key VARCHAR(1024) NOT NULL, 
	source_version VARCHAR(64) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	lot VARCHAR(64) NOT NULL, 
	updated_at DATETIME NOT NULL, 
	PRIMARY KEY (repository, dataset_id)
);
INSERT INTO "current_datasets" VALUES('lab','notes.docx','lab/notes.docx','37009f4d37b8b7cc14413ca6e5fefd02','abababababababababababababababababababababababababababababababab','20260101T000010Z-b90a417ab1','2026-01-01 00:00:10.003000');
INSERT INTO "current_datasets" VALUES('lab','b','lab/b.csv','f4a56b5c17e2218fbe7c7f90733e463a','abababababababababababababababababababababababababababababababab','20260101T000010Z-b90a417ab1','2026-01-01 00:00:10.003000');
INSERT INTO "current_datasets" VALUES('lab','c','lab/c.csv','1e245742f7beb1aea5e2583f68cc70a3','abababababababababababababababababababababababababababababababab','20260101T000010Z-b90a417ab1','2026-01-01 00:00:10.003000');
INSERT INTO "current_datasets" VALUES('lab','a','lab/a.csv','810c1290a8ec252e24d125e4ab8ba898','abababababababababababababababababababababababababababababababab','20260101T000010Z-b90a417ab1','2026-01-01 00:00:10.003000');
CREATE TABLE jobs (
	id VARCHAR(40) NOT NULL, 
	repository VARCHAR(40) NOT NULL, 
	dataset_id VARCHAR(256) NOT NULL, 
	action VARCHAR(16) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	parts JSON NOT NULL, 
	source_version VARCHAR(64) NOT NULL, 
	priority VARCHAR(8) NOT NULL, 
	size BIGINT NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	started_at DATETIME, 
	ended_at DATETIME, 
	lot VARCHAR(64), 
	run_id VARCHAR(64), 
	attempts INTEGER NOT NULL, 
	sha256 VARCHAR(64), 
	reason TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "jobs" VALUES('20260101T000010003000-fefaa38ebb','lab','a','upload','SUCCESS','[{"role": "data", "key": "lab/a.csv", "etag": "put-1", "size": 10, "modified": "2026-01-01T00:00:00+00:00", "version": null}]','810c1290a8ec252e24d125e4ab8ba898','medium',10,'2026-01-01 00:00:10.003000','2026-01-01 00:00:10.003000','2026-01-01 00:00:10.003000','2026-01-01 00:00:10.003000','20260101T000010Z-b90a417ab1','run-1',1,'abababababababababababababababababababababababababababababababab',NULL);
INSERT INTO "jobs" VALUES('20260101T000010003000-5f2b519ddd','lab','b','upload','SUCCESS','[{"role": "data", "key": "lab/b.csv", "etag": "put-2", "size": 10, "modified": "2026-01-01T00:00:00+00:00", "version": null}]','f4a56b5c17e2218fbe7c7f90733e463a','medium',10,'2026-01-01 00:00:10.003000','2026-01-01 00:00:10.003000','2026-01-01 00:00:10.003000','2026-01-01 00:00:10.003000','20260101T000010Z-b90a417ab1','run-1',1,'abababababababababababababababababababababababababababababababab',NULL);
INSERT INTO "jobs" VALUES('20260101T000010003000-9c7e0bca91','lab','broken','upload','ERRORED','[{"role": "data", "key": "lab/broken.csv", "etag": "put-6", "size": 10, "modified": "2026-01-01T00:00:00+00:00", "version": null}]','a43c99fb61ef0884029abbb787154da6','medium',10,'2026-01-01 00:00:10.003000','2026-01-01 00:00:10.003000','2026-01-01 00:00:10.003000','2026-01-01 00:00:10.003000','20260101T000010Z-b90a417ab1','run-1',1,'abababababababababababababababababababababababababababababababab','NotANumber: gene ''TP53'', sample s1: ''many''');
INSERT INTO "jobs" VALUES('20260101T000010003000-6c3d32daa9','lab','c','upload','SUCCESS','[{"role": "data", "key": "lab/c.csv", "etag": "put-3", "size": 10, "modified": "2026-01-01T00:00:00+00:00", "version": null}]','1e245742f7beb1aea5e2583f68cc70a3','medium',10,'2026-01-01 00:00:10.003000','2026-01-01 00:00:10.003000','2026-01-01 00:00:10.003000','2026-01-01 00:00:10.003000','20260101T000010Z-b90a417ab1','run-1',1,'abababababababababababababababababababababababababababababababab',NULL);
INSERT INTO "jobs" VALUES('20260101T000010003000-5749d08645','lab','notes.docx','upload','SUCCESS','[{"role": "data", "key": "lab/notes.docx", "etag": "put-5", "size": 10, "modified": "2026-01-01T00:00:00+00:00", "version": null}]','37009f4d37b8b7cc14413ca6e5fefd02','medium',10,'2026-01-01 00:00:10.003000','2026-01-01 00:00:10.003000','2026-01-01 00:00:10.003000','2026-01-01 00:00:10.003000','20260101T000010Z-b90a417ab1','run-1',1,'abababababababababababababababababababababababababababababababab',NULL);
INSERT INTO "jobs" VALUES('20260101T000030006000-b4a5dbe46b','lab','a','update','IN_QUEUE','[{"role": "data", "key": "lab/a.csv", "etag": "put-7", "size": 10, "modified": "2026-01-01T00:00:20.003000+00:00", "version": null}, {"role": "samples", "key": "lab/a.samples.csv", "etag": "put-8", "size": 10, "modified": "2026-01-01T00:00:20.003000+00:00", "version": null}]','4c436c06c3beb80171a86f8e19ad6da5','medium',20,'2026-01-01 00:00:30.006000','2026-01-01 00:00:30.006000',NULL,NULL,'20260101T000030Z-725c0ba26f',NULL,0,NULL,NULL);
INSERT INTO "jobs" VALUES('20260101T000030006000-4b6cb34b5e','lab','c','delete','IN_QUEUE','[{"role": "data", "key": "lab/c.csv", "etag": "put-3", "size": 10, "modified": "2026-01-01T00:00:00+00:00", "version": null}]','1e245742f7beb1aea5e2583f68cc70a3','medium',10,'2026-01-01 00:00:30.006000','2026-01-01 00:00:30.006000',NULL,NULL,'20260101T000030Z-725c0ba26f',NULL,0,NULL,NULL);
CREATE TABLE listings (
	repository VARCHAR(40) NOT NULL, 
	n_objects INTEGER NOT NULL, 
	completed_at DATETIME NOT NULL, 
	outage TEXT, 
	PRIMARY KEY (repository)
);
INSERT INTO "listings" VALUES('lab',7,'2026-01-01 00:00:30.009000',NULL);
CREATE TABLE lots (
	"key" VARCHAR(64) NOT NULL, 
	repository VARCHAR(40) NOT NULL, 
	manifest_uri TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	n_jobs INTEGER NOT NULL, 
	size BIGINT NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	created_at DATETIME NOT NULL, 
	attempt INTEGER NOT NULL, 
	run_id VARCHAR(64), 
	heartbeat_at DATETIME, 
	PRIMARY KEY ("key")
);
INSERT INTO "lots" VALUES('20260101T000010Z-b90a417ab1','lab','memory://lab/_lots/20260101T000010Z-b90a417ab1.json','b90a417ab14e8cf9cb385697ecc464d4f8e5d0b2a3d991135414bb1ea3900cee',5,50,'DONE','2026-01-01 00:00:10.003000',1,'run-1','2026-01-01 00:00:10.003000');
INSERT INTO "lots" VALUES('20260101T000030Z-725c0ba26f','lab','memory://lab/_lots/20260101T000030Z-725c0ba26f.json','725c0ba26f7c557c5a8f5507881714f448cb407c0fd060c1d58b9b99def4d475',2,30,'OPEN','2026-01-01 00:00:30.006000',1,NULL,NULL);
CREATE TABLE notification_deliveries (
	notification INTEGER NOT NULL, 
	channel VARCHAR(80) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_attempt_at DATETIME NOT NULL, 
	error TEXT, 
	delivered_at DATETIME, 
	PRIMARY KEY (notification, channel)
);
INSERT INTO "notification_deliveries" VALUES(1,'log','pending',0,'2024-03-01 12:05:00.000000',NULL,NULL);
INSERT INTO "notification_deliveries" VALUES(1,'webhook:team','pending',0,'2024-03-01 12:05:00.000000',NULL,NULL);
INSERT INTO "notification_deliveries" VALUES(2,'webhook:team','pending',0,'2024-03-01 12:05:00.000000',NULL,NULL);
INSERT INTO "notification_deliveries" VALUES(2,'log','pending',0,'2024-03-01 12:05:00.000000',NULL,NULL);
CREATE TABLE notifications (
	id INTEGER NOT NULL, 
	study VARCHAR(40) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	dedupe VARCHAR(128) NOT NULL, 
	message TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT notifications_once UNIQUE (study, dedupe)
);
INSERT INTO "notifications" VALUES(1,'TEST-001','waiting','waiting/height_m/2024-03-01T12:05:00+00:00','TEST-001: recordings of 1 subject wait for height_m until 2024-03-15: 1002.','2024-03-01 12:05:00.000000');
INSERT INTO "notifications" VALUES(2,'TEST-001','waiting','a','It waits.','2024-03-01 12:05:00.000000');
CREATE TABLE object_versions (
	id INTEGER NOT NULL, 
	repository VARCHAR(40) NOT NULL, 
	"key" VARCHAR(1024) NOT NULL, 
	etag VARCHAR(256) NOT NULL, 
	size BIGINT NOT NULL, 
	modified DATETIME NOT NULL, 
	version VARCHAR(256), 
	deleted BOOLEAN NOT NULL, 
	seen_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "object_versions" VALUES(1,'lab','lab/Größe+1.csv','put-4',10,'2026-01-01 00:00:00.000000',NULL,0,'2026-01-01 00:00:10.003000');
INSERT INTO "object_versions" VALUES(2,'lab','lab/a.csv','put-1',10,'2026-01-01 00:00:00.000000',NULL,0,'2026-01-01 00:00:10.003000');
INSERT INTO "object_versions" VALUES(3,'lab','lab/b.csv','put-2',10,'2026-01-01 00:00:00.000000',NULL,0,'2026-01-01 00:00:10.003000');
INSERT INTO "object_versions" VALUES(4,'lab','lab/broken.csv','put-6',10,'2026-01-01 00:00:00.000000',NULL,0,'2026-01-01 00:00:10.003000');
INSERT INTO "object_versions" VALUES(5,'lab','lab/c.csv','put-3',10,'2026-01-01 00:00:00.000000',NULL,0,'2026-01-01 00:00:10.003000');
INSERT INTO "object_versions" VALUES(6,'lab','lab/notes.docx','put-5',10,'2026-01-01 00:00:00.000000',NULL,0,'2026-01-01 00:00:10.003000');
INSERT INTO "object_versions" VALUES(7,'lab','lab/a.csv','put-7',10,'2026-01-01 00:00:20.003000',NULL,0,'2026-01-01 00:00:30.006000');
INSERT INTO "object_versions" VALUES(8,'lab','lab/a.samples.csv','put-8',10,'2026-01-01 00:00:20.003000',NULL,0,'2026-01-01 00:00:30.006000');
INSERT INTO "object_versions" VALUES(9,'lab','lab/c.csv','put-3',10,'2026-01-01 00:00:00.000000',NULL,1,'2026-01-01 00:00:30.006000');
CREATE TABLE objects (
	repository VARCHAR(40) NOT NULL, 
	"key" VARCHAR(1024) NOT NULL, 
	etag VARCHAR(256) NOT NULL, 
	size BIGINT NOT NULL, 
	modified DATETIME NOT NULL, 
	version VARCHAR(256), 
	dataset_id VARCHAR(256), 
	role VARCHAR(16), 
	ignored TEXT, 
	deleted BOOLEAN NOT NULL, 
	seen_at DATETIME NOT NULL, 
	PRIMARY KEY (repository, "key")
);
INSERT INTO "objects" VALUES('lab','lab/Größe+1.csv','put-4',10,'2026-01-01 00:00:00.000000',NULL,NULL,NULL,'`Größe+1` does not match the repository''s id rule ^(?P<dataset_id>[A-Za-z0-9][A-Za-z0-9_.-]{0,127})$',0,'2026-01-01 00:00:10.003000');
INSERT INTO "objects" VALUES('lab','lab/b.csv','put-2',10,'2026-01-01 00:00:00.000000',NULL,'b','data',NULL,0,'2026-01-01 00:00:10.003000');
INSERT INTO "objects" VALUES('lab','lab/broken.csv','put-6',10,'2026-01-01 00:00:00.000000',NULL,'broken','data',NULL,0,'2026-01-01 00:00:10.003000');
INSERT INTO "objects" VALUES('lab','lab/c.csv','put-3',10,'2026-01-01 00:00:00.000000',NULL,'c','data',NULL,1,'2026-01-01 00:00:30.006000');
INSERT INTO "objects" VALUES('lab','lab/notes.docx','put-5',10,'2026-01-01 00:00:00.000000',NULL,'notes.docx','data',NULL,0,'2026-01-01 00:00:10.003000');
INSERT INTO "objects" VALUES('lab','lab/a.csv','put-7',10,'2026-01-01 00:00:20.003000',NULL,'a','data',NULL,0,'2026-01-01 00:00:30.006000');
INSERT INTO "objects" VALUES('lab','lab/a.samples.csv','put-8',10,'2026-01-01 00:00:20.003000',NULL,'a','samples',NULL,0,'2026-01-01 00:00:30.006000');
CREATE TABLE studies (
	study VARCHAR(40) NOT NULL, 
	state VARCHAR(32) NOT NULL, 
	reason TEXT NOT NULL, 
	since DATETIME NOT NULL, 
	configuration_sha256 VARCHAR(64), 
	listed_at DATETIME, 
	judged_by VARCHAR(64), 
	changed BOOLEAN NOT NULL, 
	next_due DATETIME, 
	PRIMARY KEY (study)
);
INSERT INTO "studies" VALUES('TEST-001','ok','','2024-03-01 12:05:00.000000','ae96524c6dcbb07231983f76eb561f11b9f7fa66efd400eed15184add7a6d005','2024-03-01 12:05:00.000000','756bd02c76fb3a14ef0a54d551028300604d26692a9cabdeef323f17199ab8d5',1,'2024-03-15 12:05:00.000000');
CREATE TABLE study_files (
	id INTEGER NOT NULL, 
	study VARCHAR(40) NOT NULL, 
	source VARCHAR(40) NOT NULL, 
	"key" VARCHAR(1024) NOT NULL, 
	etag VARCHAR(256) NOT NULL, 
	version VARCHAR(256), 
	size BIGINT NOT NULL, 
	modified DATETIME NOT NULL, 
	first_seen DATETIME NOT NULL, 
	current BOOLEAN NOT NULL, 
	file_type VARCHAR(40), 
	recording VARCHAR(1024), 
	subject VARCHAR(256), 
	groups JSON, 
	state VARCHAR(24) NOT NULL, 
	reason TEXT NOT NULL, 
	since DATETIME NOT NULL, 
	flags JSON, 
	sha256 VARCHAR(64), 
	scan JSON, 
	scanned_at DATETIME, 
	attempts INTEGER NOT NULL, 
	inputs JSON, 
	run_key VARCHAR(64), 
	refused BOOLEAN NOT NULL, 
	run_id VARCHAR(64), 
	qc_code VARCHAR(256), 
	PRIMARY KEY (id)
);
INSERT INTO "study_files" VALUES(1,'TEST-001','raw','incoming/1002_V1.cwa','9ae6e7-612981d875000-1c',NULL,28,'2024-03-01 12:00:00.000000','2024-03-01 12:05:00.000000',1,'lumbar','lumbar~1002~V1','1002','{"subject": "1002", "visit": "V1"}','waiting','height_m of subject 1002 is not known.','2024-03-01 12:05:00.000000','[]','ad90e0727638fbe04ce9b51a99e02495d3b9b7ff68cc8912ddc4146584320269','{"format": "cwa", "device_kind": "ax3", "start": "2024-02-01T10:00:00", "end": "2024-02-08T10:00:00", "sampling_hz": 50.0, "n_samples_expected": 0, "bad_block_fraction": 0.0, "size_bytes": 0}','2024-03-01 12:05:00.000000',0,NULL,NULL,0,NULL,NULL);
INSERT INTO "study_files" VALUES(2,'TEST-001','raw','incoming/1001_V1.cwa','9ae6e5-612981d875000-1c',NULL,28,'2024-03-01 12:00:00.000000','2024-03-01 12:05:00.000000',1,'lumbar','lumbar~1001~V1','1001','{"subject": "1001", "visit": "V1"}','ready','','2024-03-01 12:05:00.000000','[]','ad81473c429c5937f76fa2bce9bcc278d878f424d91e204bc1e919898dff963e','{"format": "cwa", "device_kind": "ax3", "start": "2024-02-01T10:00:00", "end": "2024-02-08T10:00:00", "sampling_hz": 50.0, "n_samples_expected": 0, "bad_block_fraction": 0.0, "size_bytes": 0}','2024-03-01 12:05:00.000000',0,NULL,NULL,0,NULL,NULL);
INSERT INTO "study_files" VALUES(3,'TEST-001','raw','incoming/1001_V1_7.bin','9ae6e6-612981d875000-1e',NULL,30,'2024-03-01 12:00:00.000000','2024-03-01 12:05:00.000000',1,'wrist','wrist~1001~V1','1001','{"device": "7", "subject": "1001", "visit": "V1"}','processed','as it went','2024-03-01 12:05:00.000000','["header_subject_empty"]','336700f38da7a7912f9177fa80863f3d4025c6bdac698761e13f00dbfba70b0e','{"format": "geneactiv_bin", "device_kind": "geneactiv", "start": "2024-02-01T10:00:00", "end": "2024-02-08T10:00:00", "sampling_hz": 50.0, "n_samples_expected": 0, "bad_block_fraction": 0.0, "size_bytes": 0}','2024-03-01 12:05:00.000000',1,'{"files": "42b843cdbc67059e2d50eea7df97aded63d59ff1e1e00ac9b81f7d7174918542", "configuration": "517aba55a0a1aa701f58de12d4047d8d72f3058d6d93d2d99c7db11b5c762ae2", "metadata": "ea64bae9b7a121c5e938c6f1c985b09e01537c6f238caea8afde70332082522f", "pipeline sleep": "3b8933186c0452d98718f39e7ecd855e86e93f6dc779e99c672065cb428bc4bf", "runtime sleep": "skdh-0.17.18-py311-a"}','d91c40a8b696bdce0407584e7698864c',0,'run-s','ok');
CREATE TABLE study_metadata_files (
	study VARCHAR(40) NOT NULL, 
	source VARCHAR(40) NOT NULL, 
	"key" VARCHAR(1024) NOT NULL, 
	etag VARCHAR(256) NOT NULL, 
	rules VARCHAR(64) NOT NULL, 
	modified DATETIME NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	reason TEXT NOT NULL, 
	n_rows INTEGER NOT NULL, 
	n_errors INTEGER NOT NULL, 
	read_at DATETIME NOT NULL, 
	PRIMARY KEY (study, source, "key")
);
INSERT INTO "study_metadata_files" VALUES('TEST-001','raw','meta/people.csv','9ae6e4-612981d875000-22','c96d7959ea10a523ee21baa0e812b3f0000f51f3935db14675a3a40aca25cc28','2024-03-01 12:00:00.000000','read','',2,0,'2024-03-01 12:05:00.000000');
CREATE TABLE study_participant_rows (
	study VARCHAR(40) NOT NULL, 
	source VARCHAR(40) NOT NULL, 
	"key" VARCHAR(1024) NOT NULL, 
	"row" INTEGER NOT NULL, 
	subject VARCHAR(256), 
	visit VARCHAR(256) NOT NULL, 
	"values" JSON NOT NULL, 
	errors JSON NOT NULL, 
	columns JSON NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (study, source, "key", "row")
);
INSERT INTO "study_participant_rows" VALUES('TEST-001','raw','meta/people.csv',2,'1001','','{"subject": "1001", "height_m": 1.72, "timezone": null}','[]','["subject", "height_m", "timezone"]','6365589fbeb1ac82f429ddbfe4620756155c10024e0f939eeb78db06352779bb');
INSERT INTO "study_participant_rows" VALUES('TEST-001','raw','meta/people.csv',3,'1002','','{"subject": "1002", "height_m": null, "timezone": null}','[]','["subject", "height_m", "timezone"]','cdaf4429904a296d4b95692efedbb7c81333e8a558d6934a5766a77913ce5202');
CREATE TABLE study_run_beats (
	run_id VARCHAR(64) NOT NULL, 
	beaten_at DATETIME NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "study_run_beats" VALUES('run-s','2026-11-25 22:14:23.451066');
CREATE TABLE study_waits (
	id INTEGER NOT NULL, 
	study VARCHAR(40) NOT NULL, 
	subject VARCHAR(256) NOT NULL, 
	visit VARCHAR(256) NOT NULL, 
	"column" VARCHAR(64) NOT NULL, 
	since DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	expired BOOLEAN NOT NULL, 
	resolved_at DATETIME, 
	PRIMARY KEY (id)
);
INSERT INTO "study_waits" VALUES(1,'TEST-001','1002','','height_m','2024-03-01 12:05:00.000000','2024-03-15 12:05:00.000000',0,NULL);
CREATE INDEX objects_by_dataset ON objects (repository, dataset_id);
CREATE INDEX object_versions_by_key ON object_versions (repository, "key");
CREATE INDEX jobs_by_dataset ON jobs (repository, dataset_id);
CREATE INDEX jobs_by_lot ON jobs (lot);
CREATE INDEX jobs_by_state ON jobs (repository, state);
CREATE INDEX lots_by_state ON lots (repository, state);
CREATE INDEX study_files_by_state ON study_files (study, state);
CREATE INDEX study_files_by_recording ON study_files (study, recording);
CREATE INDEX study_files_by_current ON study_files (study, current, source, "key");
CREATE INDEX study_participant_rows_by_subject ON study_participant_rows (study, subject);
CREATE INDEX study_waits_open ON study_waits (study, resolved_at);
CREATE INDEX notification_deliveries_by_state ON notification_deliveries (state, next_attempt_at);
COMMIT;
