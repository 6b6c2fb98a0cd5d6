"""Frontdesk: a multi-tenant WhatsApp front desk."""
