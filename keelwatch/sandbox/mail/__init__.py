"""The mail catcher: takes every mail by SMTP, delivers none, and shows them over a small API.

    GET    /api/v1/messages?limit=50             {"total", "messages": [...]}, the newest first
    GET    /api/v1/search?query=to:"ADDRESS"     the same, only those to ADDRESS
    GET    /api/v1/message/ID                    {"ID", "Subject", "Text", "HTML", "To", "From", "Date"}; 404
    DELETE /api/v1/messages {"IDs": [...]}       200; all of them when the list is empty or missing

The subset of Mailpit's API that a reader of mail needs. The newest 2,000 mails are kept, in memory.
"""
