"""Webhooks of chats and push services: Slack, Discord, Mattermost, ntfy, or plain JSON."""
