"""The tables of the serving journal, `.mltui/serving.db`; opened by `ledger`."""

from __future__ import annotations

from mltui.runs.database import Layout

VERSION = 4
_SCHEMA = """
CREATE TABLE deployments (
  service TEXT NOT NULL, target TEXT NOT NULL, wanted INTEGER NOT NULL, replicas INTEGER NOT NULL,
  version INTEGER NOT NULL, port INTEGER, restarted_at REAL NOT NULL, state TEXT NOT NULL,
  reason TEXT NOT NULL, ready INTEGER NOT NULL, front TEXT NOT NULL, changed_at REAL NOT NULL,
  PRIMARY KEY (service, target)) WITHOUT ROWID;
CREATE TABLE versions (
  deployment TEXT NOT NULL, number INTEGER NOT NULL, data TEXT NOT NULL, course TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '', PRIMARY KEY (deployment, number)) WITHOUT ROWID;
CREATE TABLE replicas (
  deployment TEXT NOT NULL, number INTEGER NOT NULL, version INTEGER NOT NULL,
  health TEXT NOT NULL, made_at REAL NOT NULL, host TEXT NOT NULL, port INTEGER, object TEXT,
  ready_at REAL, ended_at REAL, reason TEXT NOT NULL, PRIMARY KEY (deployment, number))
  WITHOUT ROWID;
CREATE TABLE monitors (
  name TEXT NOT NULL, target TEXT NOT NULL, wanted INTEGER NOT NULL, every_s REAL NOT NULL,
  next_at REAL NOT NULL, asked_at REAL, running_since REAL, cronjob TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '', PRIMARY KEY (name, target))
  WITHOUT ROWID;
CREATE TABLE measurements (
  id INTEGER PRIMARY KEY, monitor TEXT NOT NULL, target TEXT NOT NULL, at REAL NOT NULL,
  ended_at REAL, verdict TEXT NOT NULL DEFAULT '', rows INTEGER NOT NULL DEFAULT 0,
  metrics TEXT NOT NULL DEFAULT '{}', reason TEXT NOT NULL DEFAULT '', run INTEGER,
  outcome TEXT NOT NULL DEFAULT '', object TEXT NOT NULL DEFAULT '');
CREATE INDEX measurements_monitor ON measurements (monitor, target, at);
CREATE TABLE acts (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, "by" TEXT NOT NULL, deployment TEXT NOT NULL,
  what TEXT NOT NULL);
CREATE TABLE marks (
  deployment TEXT NOT NULL, replica INTEGER NOT NULL, at REAL NOT NULL, size INTEGER NOT NULL,
  PRIMARY KEY (deployment, replica, at)) WITHOUT ROWID;
CREATE TABLE series (
  id INTEGER PRIMARY KEY, deployment TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
  UNIQUE (deployment, name));
CREATE TABLE points (
  series INTEGER NOT NULL, step INTEGER NOT NULL, at INTEGER NOT NULL, count INTEGER NOT NULL,
  mean REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL, PRIMARY KEY (series, step, at))
  WITHOUT ROWID;
CREATE TABLE problems (deployment TEXT PRIMARY KEY, metrics TEXT NOT NULL) WITHOUT ROWID;
"""
_UPGRADES = {
    1: "ALTER TABLE monitors ADD COLUMN cronjob TEXT NOT NULL DEFAULT ''",
    2: "ALTER TABLE monitors ADD COLUMN note TEXT NOT NULL DEFAULT ''",
    3: "ALTER TABLE measurements ADD COLUMN object TEXT NOT NULL DEFAULT ''",
}
LAYOUT = Layout(VERSION, _SCHEMA, _UPGRADES)
