BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0010');
CREATE TABLE anchors (
	sn VARCHAR(128) NOT NULL, 
	anchor VARCHAR(16) NOT NULL, 
	CONSTRAINT pk_anchors PRIMARY KEY (sn)
);
INSERT INTO "anchors" VALUES('SN-active','0123456789abcdef');
CREATE TABLE board_events (
	id INTEGER NOT NULL, 
	sn VARCHAR(128) NOT NULL, 
	log VARCHAR(16) NOT NULL, 
	number INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	at_s INTEGER NOT NULL, 
	received_ms INTEGER NOT NULL, 
	lost INTEGER NOT NULL, 
	call_id VARCHAR(64) NOT NULL, 
	cause INTEGER, 
	duration_ms INTEGER, 
	text VARCHAR(400) NOT NULL, 
	CONSTRAINT pk_board_events PRIMARY KEY (id)
);
INSERT INTO "board_events" VALUES(1,'SN-active','0a1b2c3d4e5f',7,'missed',1790000000,1790000000000,2,'call-left-open',690,0,'');
INSERT INTO "board_events" VALUES(2,'SN-active','0a1b2c3d4e5f',8,'crash',0,1790000000000,2,'',NULL,NULL,'Traceback|MemoryError: ''é''');
CREATE TABLE calls (
	call_id VARCHAR(64) NOT NULL, 
	sn VARCHAR(128) NOT NULL, 
	phone VARCHAR(64) NOT NULL, 
	direction VARCHAR(3) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	started_ms INTEGER NOT NULL, 
	ringing_ms INTEGER, 
	answered_ms INTEGER, 
	ended_ms INTEGER, 
	touched_ms INTEGER NOT NULL, 
	cause INTEGER, 
	released_by VARCHAR(8), 
	duration_ms INTEGER, 
	codec VARCHAR(16) NOT NULL, 
	up_in INTEGER NOT NULL, 
	up_out INTEGER NOT NULL, 
	up_dropped INTEGER NOT NULL, 
	down_in INTEGER NOT NULL, 
	down_out INTEGER NOT NULL, 
	down_dropped INTEGER NOT NULL, 
	board_stats JSON, 
	worker_report JSON, phone_report JSON, 
	CONSTRAINT pk_calls PRIMARY KEY (call_id), 
	CONSTRAINT ck_calls_direction CHECK (direction IN ('out', 'in')), 
	CONSTRAINT ck_calls_state CHECK (state IN ('dialling', 'ringing', 'answered', 'ended')), 
	CONSTRAINT ck_calls_released_by CHECK (released_by IN ('device', 'phone', 'relay')), 
	CONSTRAINT ck_calls_ended_whole CHECK ((state = 'ended') = (ended_ms IS NOT NULL AND cause IS NOT NULL AND released_by IS NOT NULL AND duration_ms IS NOT NULL))
);
INSERT INTO "calls" VALUES('call-ended','SN-active','alice','out','ended',1790000000000,1790000000100,1790000001000,1790000006000,1790000006001,16,'phone',5000,'PCMA',250,249,1,10,10,0,'{"up": {"sent": 250}}','{"received": 249}','{"reason": "manual"}');
INSERT INTO "calls" VALUES('call-refused','SN-active','bob','in','ended',1790000000001,NULL,NULL,1790000000002,1790000000002,17,'device',0,'',0,0,0,0,0,0,NULL,NULL,NULL);
INSERT INTO "calls" VALUES('call-left-open','SN-active','alice','in','answered',1790000000003,NULL,1790000000004,NULL,1790000004004,NULL,NULL,NULL,'G722',0,0,0,0,0,0,NULL,NULL,NULL);
CREATE TABLE claims (
	sn VARCHAR(128) NOT NULL, 
	claim_id VARCHAR(64) NOT NULL, 
	sealed BLOB NOT NULL, 
	kv INTEGER NOT NULL, 
	uid VARCHAR(64) NOT NULL, 
	opened_s INTEGER NOT NULL, 
	expires_s INTEGER NOT NULL, 
	CONSTRAINT pk_claims PRIMARY KEY (sn)
);
INSERT INTO "claims" VALUES('SN-new','fedcba9876543210',X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B',1,'',1790000000,1790086400);
CREATE TABLE devices (
	sn VARCHAR(128) NOT NULL, 
	model_id VARCHAR(64) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	kv INTEGER NOT NULL, 
	wrapped_key BLOB NOT NULL, 
	uid VARCHAR(64) NOT NULL, 
	counter INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	board VARCHAR(64) NOT NULL, 
	firmware VARCHAR(64) NOT NULL, 
	last_seen_s INTEGER NOT NULL, 
	created_s INTEGER NOT NULL, key_s INTEGER DEFAULT '0' NOT NULL, next_key BLOB, next_key_s INTEGER DEFAULT '0' NOT NULL, fingerprint BLOB, cert_until_s INTEGER DEFAULT '0' NOT NULL, next_fingerprint BLOB, next_until_s INTEGER DEFAULT '0' NOT NULL, next_cert BLOB, 
	CONSTRAINT pk_devices PRIMARY KEY (sn), 
	CONSTRAINT ck_devices_state CHECK (state IN ('new', 'active', 'suspended', 'conflict', 'revoked'))
);
INSERT INTO "devices" VALUES('SN-new','mDL_door','Door ''é'' new','new',1,X'0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C','',7,1,'','0.1.0',1790000001,1790000000,1790000002,NULL,0,NULL,0,NULL,0,NULL);
INSERT INTO "devices" VALUES('SN-active','mDL_door','Door ''é'' active','active',2,X'02030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D','a1b2c3d4e5f6',14,2,'ESP32_INMP441_MAX98357A','0.1.0',1790000002,1790000000,1790000004,X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B',1790000009,X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F',1790000009,X'0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20',1790000099,X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7');
INSERT INTO "devices" VALUES('SN-suspended','mDL_door','Door ''é'' suspended','suspended',3,X'030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E','a1b2c3d4e5f6',21,3,'ESP32_INMP441_MAX98357A','0.1.0',1790000003,1790000000,1790000006,NULL,0,NULL,0,NULL,0,NULL);
INSERT INTO "devices" VALUES('SN-conflict','mDL_door','Door ''é'' conflict','conflict',4,X'0405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F','a1b2c3d4e5f6',28,4,'ESP32_INMP441_MAX98357A','0.1.0',1790000004,1790000000,1790000008,NULL,0,NULL,0,NULL,0,NULL);
INSERT INTO "devices" VALUES('SN-revoked','mDL_door','Door ''é'' revoked','revoked',5,X'05060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F40','a1b2c3d4e5f6',35,5,'ESP32_INMP441_MAX98357A','0.1.0',1790000005,1790000000,1790000010,NULL,0,NULL,0,NULL,0,NULL);
CREATE TABLE second_boards (
	sn VARCHAR(128) NOT NULL, 
	why VARCHAR(32) NOT NULL, 
	uid VARCHAR(64) NOT NULL, 
	counter INTEGER NOT NULL, 
	address VARCHAR(64) NOT NULL, 
	firmware VARCHAR(64) NOT NULL, 
	epoch INTEGER NOT NULL, 
	times INTEGER NOT NULL, 
	seen_s INTEGER NOT NULL, 
	CONSTRAINT pk_second_boards PRIMARY KEY (sn)
);
INSERT INTO "second_boards" VALUES('SN-conflict','uid_mismatch','ffeeddccbbaa',3,'192.0.2.7','0.1.0',4,2,1790000000);
CREATE TABLE wechat_call_tickets (
	id_hash BLOB NOT NULL, 
	openid VARCHAR(128) NOT NULL, 
	sn VARCHAR(128) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	expires_s INTEGER NOT NULL, 
	CONSTRAINT pk_wechat_call_tickets PRIMARY KEY (id_hash), 
	CONSTRAINT ck_wechat_call_tickets_state CHECK (state IN ('new', 'used', 'cancelled'))
);
INSERT INTO "wechat_call_tickets" VALUES(X'0000000000000000000000000000000000000000000000000000000000000000','oX','SN-active','new',1790000000);
INSERT INTO "wechat_call_tickets" VALUES(X'0101010101010101010101010101010101010101010101010101010101010101','oX','SN-active','used',1790000000);
INSERT INTO "wechat_call_tickets" VALUES(X'0202020202020202020202020202020202020202020202020202020202020202','oX','SN-active','cancelled',1790000000);
CREATE TABLE wechat_contacts (
	sn VARCHAR(128) NOT NULL, 
	contact_id VARCHAR(64) NOT NULL, 
	openid VARCHAR(128) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	consent VARCHAR(16) NOT NULL, 
	updated_s INTEGER NOT NULL, 
	CONSTRAINT pk_wechat_contacts PRIMARY KEY (sn, contact_id), 
	CONSTRAINT ck_wechat_contacts_consent CHECK (consent IN ('unknown', 'granted', 'refused', 'withdrawn'))
);
INSERT INTO "wechat_contacts" VALUES('SN-active','c-unknown','o-unknown','妈妈','unknown',1790000000);
INSERT INTO "wechat_contacts" VALUES('SN-active','c-granted','o-granted','妈妈','granted',1790000000);
INSERT INTO "wechat_contacts" VALUES('SN-active','c-refused','o-refused','妈妈','refused',1790000000);
INSERT INTO "wechat_contacts" VALUES('SN-active','c-withdrawn','o-withdrawn','妈妈','withdrawn',1790000000);
CREATE TABLE wechat_inbox (
	appid VARCHAR(64) NOT NULL, 
	room_id VARCHAR(256) NOT NULL, 
	received_ms INTEGER NOT NULL, 
	verdict INTEGER NOT NULL, 
	reason VARCHAR(64) NOT NULL, 
	call_id VARCHAR(64) NOT NULL, 
	direction VARCHAR(3) NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	CONSTRAINT pk_wechat_inbox PRIMARY KEY (appid, room_id), 
	CONSTRAINT ck_wechat_inbox_direction CHECK (direction IN ('out', 'in', '')), 
	CONSTRAINT ck_wechat_inbox_state CHECK (state IN ('ring', 'join', 'done')), 
	CONSTRAINT ck_wechat_inbox_refused_is_done CHECK (verdict = 0 OR state = 'done')
);
INSERT INTO "wechat_inbox" VALUES('wx0123456789abcdef','room-ring',1790000000000,0,'','call-ring','in','ring');
INSERT INTO "wechat_inbox" VALUES('wx0123456789abcdef','room-join',1790000000000,0,'','call-join','in','join');
INSERT INTO "wechat_inbox" VALUES('wx0123456789abcdef','room-done',1790000000000,0,'','call-done','in','done');
CREATE TABLE wechat_invites (
	code_hash BLOB NOT NULL, 
	sn VARCHAR(128) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	openid VARCHAR(128) NOT NULL, 
	expires_s INTEGER NOT NULL, 
	CONSTRAINT pk_wechat_invites PRIMARY KEY (code_hash)
);
INSERT INTO "wechat_invites" VALUES(X'202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F','SN-active','Grandma','',1790000000);
CREATE TABLE wechat_people (
	openid VARCHAR(128) NOT NULL, 
	session_hash BLOB NOT NULL, 
	created_s INTEGER NOT NULL, 
	seen_s INTEGER NOT NULL, 
	CONSTRAINT pk_wechat_people PRIMARY KEY (openid)
);
INSERT INTO "wechat_people" VALUES('oX',X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F',1790000000,1790000009);
CREATE TABLE wechat_rooms (
	appid VARCHAR(64) NOT NULL, 
	room_id VARCHAR(256) NOT NULL, 
	call_id VARCHAR(64) NOT NULL, 
	sn VARCHAR(128) NOT NULL, 
	model_id VARCHAR(64) NOT NULL, 
	direction VARCHAR(3) NOT NULL, 
	room_type VARCHAR(8) NOT NULL, 
	is_joined INTEGER NOT NULL, 
	sealed BLOB NOT NULL, 
	opened_ms INTEGER NOT NULL, 
	CONSTRAINT pk_wechat_rooms PRIMARY KEY (appid, room_id), 
	CONSTRAINT ck_wechat_rooms_direction CHECK (direction IN ('out', 'in')), 
	CONSTRAINT ck_wechat_rooms_is_joined CHECK (is_joined IN (0, 1))
);
INSERT INTO "wechat_rooms" VALUES('wx0123456789abcdef','room-ring','call-left-open','SN-active','mDL_door','in','voice',1,X'807365616C6564',1790000000000);
CREATE TABLE wechat_tokens (
	appid VARCHAR(64) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	sealed BLOB NOT NULL, 
	expires_s INTEGER NOT NULL, 
	CONSTRAINT pk_wechat_tokens PRIMARY KEY (appid, kind)
);
INSERT INTO "wechat_tokens" VALUES('wx0123456789abcdef','access',X'000127FF',1790000000);
CREATE INDEX ix_calls_started_ms ON calls (started_ms);
CREATE INDEX ix_calls_state ON calls (state);
CREATE INDEX ix_wechat_inbox_received_ms ON wechat_inbox (received_ms);
CREATE UNIQUE INDEX ix_wechat_people_session_hash ON wechat_people (session_hash);
CREATE INDEX ix_wechat_contacts_openid ON wechat_contacts (openid);
CREATE UNIQUE INDEX ix_wechat_contacts_sn_openid ON wechat_contacts (sn, openid);
CREATE UNIQUE INDEX ix_wechat_contacts_contact_id ON wechat_contacts (contact_id);
CREATE INDEX ix_wechat_call_tickets_expires_s ON wechat_call_tickets (expires_s);
CREATE INDEX ix_wechat_invites_sn ON wechat_invites (sn);
CREATE UNIQUE INDEX ix_board_events_sn_log ON board_events (sn, log, number);
COMMIT;
