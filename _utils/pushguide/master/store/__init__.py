"""The record: tables, transactions, locks, and what Salt's returner interface asks for."""
